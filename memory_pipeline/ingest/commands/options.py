"""Options of package managers: which words are options, which are their values, and which are packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


class Option(NamedTuple):
    """An option as a manager reads it, and the words that it was written with."""

    name: str
    value: str
    words: tuple[str, ...]


class Arguments(NamedTuple):
    """Options and positional words, each in their order."""

    options: tuple[Option, ...]
    positional: tuple[str, ...]

    def value(self, *names: str) -> str:
        """Return the value of the last option with one of the names; empty where there is none."""
        found = [one.value for one in self.options if one.name in names]
        return found[-1] if found else ""

    def has(self, *names: str) -> bool:
        """Whether an option with one of the names is there."""
        return any(one.name in names for one in self.options)

    def words(self, *, without: Collection[str] = ()) -> list[str]:
        """Return the words of all options but those that are named."""
        return [word for one in self.options if one.name not in without for word in one.words]


def read_arguments(
    words: Iterable[str],
    *,
    with_value: Collection[str] = (),
    aliases: Mapping[str, str] | None = None,
    ignores_case: bool = False,
    joins_letters: bool = False,
) -> Arguments:
    """Separate options from positional words.

    Parameters
    ----------
    words
        What follows the subcommand.
    with_value
        Options whose value is the next word, unless it is joined by `=`.
    aliases
        Short name to long name; the long one is reported.
    ignores_case
        Whether `--Silent` is `--silent`.
    joins_letters
        Whether `-yq` is `-y -q`.
    """
    aliases = aliases or {}
    options: list[Option] = []
    positional: list[str] = []
    rest = list(words)
    at = 0
    while at < len(rest):
        word = rest[at]
        at += 1
        if not word.startswith("-") or word in {"-", "--"}:
            positional += [word] if word.strip("-") else []
            continue
        name, sign, value = word.partition("=")
        name = name.lower() if ignores_case and name.startswith("--") else name
        name = aliases.get(name, name)
        written: tuple[str, ...] = (word,)
        if joins_letters and not sign and len(name) > 2 and name[1:].isalpha() and name[1] != "-":  # noqa: PLR2004
            letters = [aliases.get(f"-{one}", f"-{one}") for one in name[1:]]
            options += [Option(one, "", written if n == 0 else ()) for n, one in enumerate(letters)]
            continue
        if not sign and name in with_value and at < len(rest):
            value, written, at = rest[at], (word, rest[at]), at + 1
        options.append(Option(name, value, written))
    return Arguments(tuple(options), tuple(positional))
