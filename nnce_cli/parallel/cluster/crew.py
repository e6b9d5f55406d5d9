"""The workers of a scheduler, as their heartbeats tell; each of them is brought the run once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from nnce_cli.parallel.cluster.messages import METRIC, take_in_there

if TYPE_CHECKING:
    from distributed import Client

SECONDS_BETWEEN_LOOKS = 1.0
LOOKED_AT_A_SECOND = 100  # workers: more of them are looked at less often
SECONDS_OF_SILENCE = 30.0  # after which the tasks of a worker are given to others as well
BEATS_OF_SILENCE = 10  # but so many heartbeats at least, which are fewer where workers are many
SECONDS_FOR_AN_ANSWER = 60.0  # of the scheduler
CHOSEN = 8  # workers that an order may go to while others are silent


@dataclass
class Member:
    """A worker: its threads, and when it was heard last (by the clock here)."""

    threads: int
    beat: float = 0.0  # by the clock of the scheduler
    heard: float = field(default_factory=time.monotonic)
    hands: dict[int, int] = field(default_factory=dict)  # cells so far, by the number of the task
    has_run: bool = False
    is_silent: bool = False


class Crew:
    """Watches the workers of a client's scheduler, in the client's event loop.

    Other threads may read ``members``, which is replaced and never changed, and ``threads``: how
    many tasks can be walked at a time.
    """

    def __init__(
        self,
        client: Client,
        token: str,
        run: bytes,
        on_silence: Callable[[Iterable[str]], None],
        on_trouble: Callable[[Exception], None],
    ) -> None:
        """Begin with nothing; see `watch`.

        Args:
            client: whose loop is the one that `watch` runs in.
            token: names the run.
            run: what each worker is to take in.
            on_silence: is told, again and again, the keys of tasks that silent workers have.
            on_trouble: is told why a worker refuses the run, or that the scheduler is gone.
        """
        self.members: dict[str, Member] = {}
        self.threads = 0
        self._client = cast("Any", client)
        self._token = token
        self._run = run
        self._on_silence = on_silence
        self._on_trouble = on_trouble
        self._bringing: set[asyncio.Task[None]] = set()

    def chosen(self, orders: int) -> list[str] | None:
        """Return some workers that orders had better go to; None where it makes no difference.

        A worker that hangs has little to do in the eyes of the scheduler, and gets more.
        """
        heard = [address for address, member in self.members.items() if not member.is_silent]
        if not heard or len(heard) == len(self.members):
            return None
        return random.sample(heard, min(max(CHOSEN, orders), len(heard)))

    def has_lost_the_run(self, address: str) -> None:
        """Bring the run to a worker again."""
        if address in self.members:
            self.members[address].has_run = False

    async def watch(self) -> None:
        """Look at the workers again and again, until this is cancelled."""
        try:
            while True:
                if self._client.status == "running":
                    await self._look()
                pause = len(self.members) / LOOKED_AT_A_SECOND
                await asyncio.sleep(max(SECONDS_BETWEEN_LOOKS, pause))
        finally:
            for task in self._bringing:
                task.cancel()

    async def _look(self) -> None:
        try:
            found = await asyncio.wait_for(self._client.scheduler.identity(), SECONDS_FOR_AN_ANSWER)
        except TimeoutError:
            self._on_trouble(TimeoutError("the scheduler does not answer"))
            return
        except (OSError, AttributeError):  # the connection is lost; the client sees to that
            return
        self.members = {
            address: _seen(self.members.get(address), about, self._token)
            for address, about in found["workers"].items()
        }
        self._bring_to([a for a, member in self.members.items() if not member.has_run])
        beats = BEATS_OF_SILENCE * (1.0 + len(self.members) / 200.0)  # as Dask spaces them
        long_ago = time.monotonic() - max(SECONDS_OF_SILENCE, beats)
        for member in self.members.values():
            member.is_silent = member.heard < long_ago
        self.threads = sum(m.threads for m in self.members.values() if not m.is_silent)
        silent = [address for address, member in self.members.items() if member.is_silent]
        if silent:
            self._on_silence(await self._keys_of(silent))

    async def _keys_of(self, addresses: list[str]) -> list[str]:
        """Return the keys of what workers have in hand, or have done and not handed over."""
        scheduler = self._client.scheduler
        calls = scheduler.processing(workers=addresses), scheduler.has_what(workers=addresses)
        try:
            found = await asyncio.wait_for(asyncio.gather(*calls), SECONDS_FOR_AN_ANSWER)
        except (OSError, AttributeError):  # asked again at the next look
            return []
        return [key for of_worker in found for keys in of_worker.values() for key in keys]

    def _bring_to(self, addresses: list[str]) -> None:
        if addresses:
            for address in addresses:
                self.members[address].has_run = True
            task = asyncio.create_task(self._bring(addresses))
            self._bringing.add(task)
            task.add_done_callback(self._bringing.discard)

    async def _bring(self, addresses: list[str]) -> None:
        """Bring the run to some workers; one that hangs keeps the others' answers, no more."""
        try:
            answers: dict[str, Any] = await asyncio.wait_for(
                self._client.run(take_in_there(), self._run, workers=addresses, on_error="return"),
                SECONDS_FOR_AN_ANSWER,
            )
        except (OSError, AttributeError):
            return  # a worker without the run says so when it gets a task
        for address, answer in answers.items():
            if isinstance(answer, str):
                self._on_trouble(ValueError(f"the Dask worker {address} {answer}"))
            elif answer is not None:  # it failed, or was not reached
                self.has_lost_the_run(address)


def _seen(before: Member | None, about: dict[str, Any], token: str) -> Member:
    """Return a worker as the scheduler tells of it now."""
    member = Member(about["nthreads"]) if before is None else before
    if about["last_seen"] != member.beat:
        member.beat, member.heard = about["last_seen"], time.monotonic()
    member.threads = about["nthreads"]
    hands = about.get("metrics", {}).get(METRIC, {}).get(token, {})
    member.hands = {int(number): cells for number, cells in hands.items()}
    return member
