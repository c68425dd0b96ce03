"""How many people this machine carries, what keeps it from more, and whether its sockets get what they ask for."""

import resource

from relay import native
from relay.checks.finding import Finding, failure, ok, warning
from relay.config.settings import EngineChoice, Settings
from relay.machine.capacity import DESCRIPTORS_PER_PERSON, Bound, bound_of, carried, limits_of, threads_of
from relay.transport.udp import SOCKET_BUFFER, granted_buffers, wanted_buffer

REMEDIES: dict[Bound, str] = {
    Bound.SETTING: "RELAY_MAX_PEOPLE says so",
    Bound.THREADS: "RELAY_MEDIA_THREADS, one for each core that media may have",
    Bound.CORES: "the cores that it may use",
    Bound.MEMORY: "the memory that it may have",
    Bound.RECEIVE_BUFFER: "net.core.rmem_max",
    Bound.SEND_BUFFER: "net.core.wmem_max",
    Bound.DESCRIPTORS: "the files that it may open (ulimit -n, LimitNOFILE)",
}
"""What sets each."""


def check_limits(settings: Settings) -> list[Finding]:
    """As `relay serve` would find them, started by the same user."""
    return [_capacity(settings), _descriptors(settings), *_buffers(settings)]


def bound_in_words(settings: Settings) -> str:
    """What limits the number of people, and where it is set."""
    bound = bound_of(settings.capacity, threads_of(settings.media))
    return REMEDIES[bound] if bound is Bound.SETTING else f"limited by {REMEDIES[bound]}"


def _capacity(settings: Settings) -> Finding:
    people = limits_of(settings.capacity, threads_of(settings.media)).people
    of = carried(threads_of(settings.media))
    least = min(of, key=lambda bound: of[bound])
    if settings.capacity.max_people > of[least]:
        return warning(
            "capacity",
            f"RELAY_MAX_PEOPLE is {people}, and this machine carries {of[least]}: the limit is {REMEDIES[least]}.",
        )
    return ok("capacity", f"{people} people; {bound_in_words(settings)}.")


def _descriptors(settings: Settings) -> Finding:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return ok("descriptors", "As many as there are.")
    by_others = [
        people for bound, people in carried(threads_of(settings.media)).items() if bound is not Bound.DESCRIPTORS
    ]
    people = settings.capacity.max_people or min(by_others)
    wanted = people * DESCRIPTORS_PER_PERSON
    if most < wanted:
        return failure(
            "descriptors",
            f"A process may have {most} files and connections open, which is enough for"
            f" {most // DESCRIPTORS_PER_PERSON} people; {people} need {wanted}. Raise the limit (ulimit -n,"
            " LimitNOFILE), or lower RELAY_MAX_PEOPLE.",
        )
    return ok("descriptors", f"Enough for {people} people.")


def _buffers(settings: Settings) -> list[Finding]:
    packets = settings.media.engine is not EngineChoice.FRAMES and native.BUILT
    threads = threads_of(settings.media)
    people = limits_of(settings.capacity, threads).people
    wanted = wanted_buffer(people) // threads if packets else SOCKET_BUFFER
    found = []
    for direction, setting, got in zip(("receive", "send"), ("rmem", "wmem"), granted_buffers(wanted), strict=True):
        name = f"{direction} buffer"
        if got < wanted:
            sentence = (
                f"The media port asks for {wanted} bytes and gets {got}: packets get lost when many come at once. Set"
                f" net.core.{setting}_max to {wanted}."
            )
            found.append(warning(name, sentence))
        else:
            found.append(ok(name, f"{got} bytes, as many as the media port asks for."))
    return found
