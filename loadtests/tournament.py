"""Two gateways' engines against hundreds of generated buyers: who gets a deal, after how many rounds, at what price.

python -m loadtests.tournament [--games 1200] [--seed 1]

=========== ================================================================
strategy    what it does
=========== ================================================================
stubborn    says the same every time
take-it     the client's `TakeIt`: the published terms or nothing
steady      the client's `Bargain`, with each of its curves from opening to
firm        limit, and one or two wishes on the other levers
yielding
tit-for-tat gives way as much as the other side just did
random      bids anything between its opening and its limit
salami      pays a little more each time, and asks for one more thing with it
last-minute stays at its opening until it thinks that the last round came
=========== ================================================================

One gateway is patient (six to ten rounds), the other hurried (two to five). A
buyer has a limit of its own, often below the floor, and takes what is on the
table when that costs no more than its next bid; the client's strategies decide
by themselves, and none may get less than its needs or pay above its limit. Positions and buyers are drawn
from the seed, so the same seed prints the same table. *surplus* is what a deal
brings above the floor, of what lies between floor and ask. Exits 1 if any deal
was below its floor, gave what neither offer nor concessions give, or was outside
the mandate of a client's strategy.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import mean

from gateway.client.bargaining import Bargain, Curve, Heard, Leave, Mandate, Take, TakeIt, Wish
from gateway.licenses.bargaining import (
    Accept,
    Answer,
    Buyer,
    Counter,
    Proposal,
    answer,
    countered,
)
from gateway.licenses.position import Concession, Position, ratio
from gateway.money import MICROS, Money
from gateway.paths import PathScope
from gateway.terms.comparing import Lever, within
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    LicenseTerms,
    Offer,
    Purpose,
    Retention,
    Scope,
    Term,
)
from gateway.terms.scaling import scaled
from gateway.uses import Use

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_INDEX})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=300
    ),
    attribution=Attribution("The Journal", "", 30),
    audit=Audit("quarterly", 1),
    term=Term(24),
)
OFFER = Offer("index", "journal", TERMS, "sha-256:policy", tier=2)
CONCESSIONS = (
    Concession(Lever.AUDIT, "report", "yearly"),
    Concession(Lever.RETENTION, "withdrawal_notice_days", 60),
    Concession(Lever.ATTRIBUTION, "model_card_days", 60),
)
#: What a salami buyer asks for, one slice a round.
_SLICES: tuple[Callable[[LicenseTerms], LicenseTerms], ...] = (
    lambda terms: replace(terms, audit=Audit("yearly", 1)),
    lambda terms: replace(terms, retention=Retention(withdrawal_notice_days=60)),
    lambda terms: replace(terms, attribution=Attribution("The Journal", "", 60)),
    lambda terms: replace(terms, term=Term(36)),
)
#: What the client's bargainers ask for besides, and give up in this order.
WISHES = (Wish(Lever.ATTRIBUTION, "model_card_days", 60), Wish(Lever.AUDIT, "report", "yearly"))
#: No game is longer; the engine ends each within its rounds.
_LONGEST = 60

Engine = Callable[[Offer, Position, Buyer, Proposal], Answer]


@dataclass(frozen=True)
class Played:
    """How one game ended: *deal* None without one; *least* is all that the creator would ever have given.

    *strayed* says that a strategy of the client took what its mandate forbids.
    """

    strategy: str
    rounds: int
    deal: LicenseTerms | None
    position: Position
    least: LicenseTerms | None = None
    gateway: str = ""
    strayed: bool = False

    @property
    def paid(self) -> int:
        """The price in millionths of the ask."""
        return ratio(self.deal.compensation, TERMS.compensation) if self.deal else 0

    @property
    def below(self) -> bool:
        """Whether the deal gave more than the creator's least, on any lever, the price among them."""
        return self.deal is not None and (self.least is None or not within(self.deal, self.least))

    @property
    def surplus(self) -> float:
        """What the deal brings above the floor, of what lies between floor and ask."""
        room = MICROS - self.position.floor_micros
        return (self.paid - self.position.floor_micros) / room if room else 1.0


@dataclass
class Player:
    """A buyer: bids in millionths of the ask, from *opening* to *limit*; *patience* is how long it thinks it can go on."""

    strategy: str
    opening: int
    limit: int
    patience: int
    chance: random.Random

    def bid(self, nth: int, last: int, moved: int) -> int:
        """Its *nth* bid, from 0, after *last*, where the other side's counter just came down by *moved*."""
        match self.strategy:
            case "tit-for-tat":
                found = last + (moved or MICROS // 50)
            case "random":
                found = self.chance.randint(self.opening, self.limit)
            case "salami":
                found = last + MICROS // 40
            case "last-minute":
                found = self.limit if nth + 1 >= self.patience else self.opening
            case _:
                found = self.opening
        return max(0, min(found, self.limit))

    def proposal(self, nth: int, bid: int) -> LicenseTerms:
        """What it proposes at that price."""
        terms = replace(TERMS, compensation=scaled(TERMS.compensation, bid))
        if self.strategy == "salami":
            for cut in _SLICES[:nth]:
                terms = cut(terms)
        return terms


#: Those of the client, and those that only a tournament plays.
OURS = ("take-it", *map(str, Curve))
STRATEGIES = (*OURS, "stubborn", "tit-for-tat", "random", "salami", "last-minute")
#: The gateways by how many rounds they go.
GATEWAYS = {"patient": (6, 10), "hurried": (2, 5)}


def play(player: Player, position: Position, engine: Engine = answer) -> Played:
    """One game to its end."""
    earlier: tuple[LicenseTerms, ...] = ()
    bid, shown, moved = player.opening, MICROS, 0
    for nth in range(_LONGEST):
        bid = player.bid(nth, bid, moved)
        proposed = player.proposal(nth, bid)
        said = engine(OFFER, position, Buyer("buyer", earlier), Proposal(proposed))
        deal = said.terms if isinstance(said, Accept) else None
        if isinstance(said, Counter):
            counter = ratio(said.terms.compensation, TERMS.compensation)
            moved, shown = shown - counter, counter
            if counter <= player.bid(nth + 1, bid, moved):
                deal = said.terms
        elif deal is None:
            return Played(player.strategy, nth + 1, None, position)
        if deal is not None:
            least = countered(OFFER, position, deal, len(position.concessions), position.floor_micros)
            return Played(player.strategy, nth + 1, deal, position, least)
        earlier = (*earlier, proposed)
    raise AssertionError("a game did not end")


def play_ours(player: Player, position: Position, engine: Engine = answer) -> Played:
    """One game of a strategy of the client's to its end."""
    mandate = Mandate(
        scaled(TERMS.compensation, player.limit), {Lever.TERM: Term(12), Lever.PURPOSE: TERMS.purpose}
    )
    strategy: TakeIt | Bargain = TakeIt()
    if player.strategy != "take-it":
        wishes = WISHES[: player.chance.randint(1, 2)]
        strategy = Bargain(player.opening, player.limit, player.patience, Curve(player.strategy), wishes)
    heard = Heard(TERMS)
    for nth in range(_LONGEST):
        move = strategy.move(mandate, heard)
        if isinstance(move, Leave):
            return Played(player.strategy, max(nth, 1), None, position)
        if isinstance(move, Take):
            deal = move.terms
            least = countered(OFFER, position, deal, len(position.concessions), position.floor_micros)
            strayed = bool(mandate.lacks(deal)) or not mandate.affords(deal)
            return Played(player.strategy, nth, deal, position, least, strayed=strayed)
        said = engine(OFFER, position, Buyer("buyer", heard.said), Proposal(move.terms))
        heard = replace(heard, said=(*heard.said, move.terms))
        if not isinstance(said, Accept | Counter):
            return Played(player.strategy, nth + 1, None, position)
        heard = replace(heard, tables=(*heard.tables, said.terms))
    raise AssertionError("a game did not end")


def games(count: int, seed: int, engine: Engine = answer) -> list[Played]:
    """Play *count* games that *seed* draws, every strategy as often as any other."""
    chance = random.Random(seed)
    played = []
    for nth in range(count):
        gateway = tuple(GATEWAYS)[nth // len(STRATEGIES) % len(GATEWAYS)]
        target = chance.randint(600_000, MICROS)
        floor = chance.randint(400_000, target)
        position = Position(
            target_micros=target,
            floor_micros=floor,
            rounds=chance.randint(*GATEWAYS[gateway]),
            concessions=CONCESSIONS,
        )
        opening = chance.randint(100_000, 700_000)
        player = Player(
            STRATEGIES[nth % len(STRATEGIES)],
            opening,
            chance.randint(opening, 1_100_000),
            chance.randint(2, 10),
            chance,
        )
        game = play_ours if player.strategy in OURS else play
        played.append(replace(game(player, position, engine), gateway=gateway))
    return played


def table(played: list[Played]) -> list[str]:
    """The lines of the table: each strategy, each gateway, then all."""
    lines = [
        f"{'strategy':12} {'games':>6} {'deals':>7} {'rounds':>7} {'price':>7} {'surplus':>8} {'below floor':>12}"
    ]
    for name in (*STRATEGIES, *GATEWAYS, "all"):
        found = [each for each in played if name in {each.strategy, each.gateway, "all"}]
        deals = [each for each in found if each.deal]
        rate = len(deals) / len(found) if found else 0
        rounds = mean(each.rounds for each in found) if found else 0
        price = mean(each.paid for each in deals) / MICROS if deals else 0
        surplus = mean(each.surplus for each in deals) if deals else 0
        below = sum(each.below for each in found)
        lines.append(
            f"{name:12} {len(found):6} {rate:7.1%} {rounds:7.2f} {price:7.3f} {surplus:8.1%} {below:12}"
        )
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Play, print, and say by the exit code whether a deal was below its floor, or outside a mandate."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.tournament")
    parser.add_argument("--games", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    played = games(given.games, given.seed)
    print("\n".join(table(played)))
    return int(any(each.below or each.strayed for each in played))


if __name__ == "__main__":
    sys.exit(main())
