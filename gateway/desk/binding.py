"""To which key a token will be bound, if to any (RFC 9449, section 5, September 2023).

A client binds a token by a ``DPoP`` header with the proof of a key, or by the
parameter ``cnf``, ``{"jkt": thumbprint}``, that names one of the keys it
registered: so a crawler that signs its requests (Web Bot Auth) binds to the key
it signs with, and either proof opens the door later. Where both are there they
name the same key. A client that registered ``dpop_bound_access_tokens`` gets no
token without a proof, and its proofs hold a nonce of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import uuid_utils

from gateway.clock import Clock
from gateway.desk.call import Call
from gateway.desk.client_keys import ClientKeys
from gateway.desk.client_metadata import registered
from gateway.desk.clients import Admittance, Form, Known
from gateway.desk.metadata import issuer_of
from gateway.keys.strict_json import Malformed, read_object
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Claims, is_thumbprint
from gateway.tokens.dpop import Proof, Proving, Unproven, read_proof
from gateway.visitors.replays import Replays

#: The fact of a refusal that goes out as the header of that name.
NONCE: Final = "dpop_nonce"


@dataclass(frozen=True, slots=True)
class Bound:
    """*key* is a thumbprint, "" for a token that whoever holds it may show; *nonce* is for the next proof, or ""."""

    key: str = ""
    nonce: str = ""


class Bindings:
    """Judges what a token request says of keys. One object a process: it remembers proofs until they lapse."""

    def __init__(self, keys: ClientKeys, clock: Clock, admittance: Admittance) -> None:
        """Find registered keys in *keys*; *admittance* says whose proofs must hold a nonce."""
        self._keys, self._clock, self._admittance = keys, clock, admittance
        self._proofs = Replays(shared=admittance.marks)

    async def of(self, call: Call, known: Known, form: Form) -> Bound | Refusal:
        """The key for the token that *call* asks for; raises nothing on any header or form."""
        must = registered(known.client).get("dpop_bound_access_tokens") is True
        named = await self._named(known, form)
        if isinstance(named, Refusal):
            return named
        if not call.request.headers.getall("DPoP", []) and not must:
            return Bound(named)
        proof, nonce = await self._proof(call, known, "token")
        if isinstance(proof, Unproven):
            return _refused(proof)
        if named not in {"", proof.key}:
            return Refusal(Problem.FORM_INVALID, "The parameter cnf names another key than the proof does.")
        return Bound(proof.key, nonce)

    async def unproven(self, call: Call, known: Known, claims: Claims, token: str) -> Refusal | None:
        """Why *call* does not prove the key that *token*, of *claims*, is bound to; None where it does, or is to none.

        The proof is for the address that is called (RFC 9449, section 7.1): it holds the token's hash.
        """
        if not claims.key:
            return None
        proof, _ = await self._proof(call, known, call.request.path.rpartition("/")[2], token)
        if isinstance(proof, Unproven):
            return _refused(proof)
        if proof.key != claims.key:
            return _refused(Unproven("it is of another key than the token's"))
        return None

    async def _proof(
        self, call: Call, known: Known, address: str, token: str = ""
    ) -> tuple[Proof | Unproven, str]:
        """The proof that came with *call*, which is good once, and the nonce for the next one or ""."""
        now = self._clock.now_us() // 1_000_000
        nonces = self._admittance.nonces
        bound = registered(known.client).get("dpop_bound_access_tokens") is True
        must = nonces is not None and (bound or self._admittance.every_proof)
        url = f"{issuer_of(call.origin)}/{address}"
        proving = Proving(call.request.method, url, now, nonces, must, token)
        proof = read_proof(call.request.headers.getall("DPoP", []), proving)
        if isinstance(proof, Proof) and await self._proofs.used_anywhere(
            proof.mark, str(uuid_utils.uuid4()), proof.until, now
        ):
            proof = Unproven("it was used before")
        return proof, nonces.current(now) if nonces is not None and must else ""

    async def _named(self, known: Known, form: Form) -> str | Refusal:
        """The registered key that the parameter ``cnf`` names, "" where there is none."""
        if "cnf" not in form:
            return ""
        try:
            members = read_object(form["cnf"][0].encode("utf-8", "surrogatepass"))
        except Malformed:
            members = {}
        key = members.get("jkt")
        if members.keys() != {"jkt"} or not isinstance(key, str) or not is_thumbprint(key):
            return Refusal(Problem.FORM_INVALID, "The parameter cnf is one object with the member jkt.")
        if all(each.thumbprint != key for each in await self._keys.of(known.client)):
            return Refusal(
                Problem.FORM_INVALID, "The parameter cnf names no key that this client registered."
            )
        return key


def _refused(proof: Unproven) -> Refusal:
    said = f"{proof.why[:1].upper()}{proof.why[1:]}."
    if proof.nonce:
        return Refusal(Problem.PROOF_NONCE, said, facts=((NONCE, proof.nonce),))
    return Refusal(Problem.PROOF_INVALID, said)
