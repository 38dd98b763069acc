"""Signatures of bots prove nothing here yet: they open nothing, cost nothing and make nobody fetch anything."""

from __future__ import annotations

import asyncio

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
SIGNED = {
    "Signature-Input": 'sig=("@authority" "signature-agent");created=1;expires=4000000000;nonce="a";keyid="k";tag="web-bot-auth"',
    "Signature": "sig=:AAAA:",
}


async def test_a_signature_is_no_proof_and_its_directory_is_not_asked(world) -> None:
    """Rows G06, G11, G13 and G14 of the checklist, as far as there is anything to attack."""
    asked = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer.get_extra_info("peername"))
        writer.close()

    directory = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = directory.sockets[0].getsockname()[1]
    one = await world()
    plain = await one.get("/essays/tides", GPTBOT)
    for number in range(20):
        agent = f'"http://127.0.0.1:{port}/{number}"'
        headers = {
            **SIGNED,
            "Signature-Agent": agent,
            "Signature-Input": SIGNED["Signature-Input"].replace('"k"', f'"k{number}"'),
        }
        signed = await one.get("/essays/tides", GPTBOT, headers=headers)
        assert signed.status == plain.status == 402
    assert one.origin.seen == []
    assert asked == []
    directory.close()
