"""Words and separators of a command line, as Windows programs, PowerShell and POSIX shells read them.

What belongs here: quoting, separators, redirections, and writing words back so that they read the same again.
What does not: what any word means.

References
----------
.. [1] Microsoft, "Parsing C command-line arguments" (quotes, doubled quotes and backslashes before them).
.. [2] The Open Group, "Shell Command Language", 2.2 Quoting and 2.3 Token Recognition.
.. [3] Microsoft, "about_Quoting_Rules" (PowerShell: the backtick, doubled single quotes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH = 32_767
"""Longest text that is read, in characters: the longest command line that Windows starts."""

POSIX_TOOLS = (
    *("apt", "apt-get", "aptitude", "dpkg", "dpkg-deb", "dnf", "dnf5", "microdnf", "yum", "rpm", "rpmbuild"),
    *("snap", "flatpak", "brew", "installer", "hdiutil", "pkgbuild", "productbuild", "fpm"),
    *("bash", "sh", "dash", "zsh"),
)
_POSIX_START = re.compile(
    r"(?:(?:sudo|doas|env|nohup|time|exec|command)\s{1,9}(?:-\S{1,40}\s{1,9}){0,4}"
    r"|[A-Za-z_]\w{0,60}=\S{0,200}\s{1,9}){0,6}"
    r"(?:[\w./-]{0,80}/)?(?:" + "|".join(map(re.escape, POSIX_TOOLS)) + r")(?=\s|$)"
)
_WINDOWS_MARK = re.compile(
    r"\b(?:msiexec|winget|choco|cinst|cup|cuninst|scoop|dism|powershell|pwsh|cmd|start-process|start-adtprocess"
    r"|execute-process|(?:add|remove)-app\w+|deploy-application|invoke-appdeploytoolkit|intunewinapputil|makeappx"
    r"|iscc|makensis|wix|candle|light)\b"
    r"|\.(?:exe|ms[ip]|msix\w*|appx\w*|ps1|cmd|bat)\b|\b[a-z]:\\",
    re.IGNORECASE,
)
_BLANK = " \t\r\f\v"
_SAFE_WINDOWS = re.compile(r"[\w\-./\\:=+%@!*?~\[\],{}$]+")
_SAFE_POSIX = re.compile(r"[\w\-./:=+%@,^]+")
_NAME = re.compile(r"[/-]{0,2}[A-Za-z_][\w.-]{0,100}=|[/-]v(?=[/-])")
_LIST_NAME = re.compile(r"(?i)(?:transforms|patch|msipatches)=")


class CommandTooLongError(ValueError):
    """The text is longer than any command line can be."""


class Word(NamedTuple):
    """A word as the program gets it, and as it was written."""

    value: str
    raw: str


class Segment(NamedTuple):
    """One simple command, with the separators around it (`&&`, `|`, `;`, a line end; empty at the ends)."""

    words: tuple[Word, ...]
    before: str
    after: str
    is_windows: bool


def split_commands(text: str) -> tuple[Segment, ...]:
    """Split a text into its simple commands; redirections, comments and here-documents are left out.

    Raises
    ------
    CommandTooLongError
        When the text has more than `MAX_LENGTH` characters.
    """
    return tuple(_Scanner(_readable(text)).run())


def split_arguments(text: str) -> tuple[str, ...]:
    """Split what a Windows program gets as its arguments: only blanks and double quotes count."""
    scanner = _Scanner(_readable(text), is_arguments=True)
    return tuple(word.value for segment in scanner.run() for word in segment.words)


def split_list(raw: str) -> tuple[str, ...]:
    """Split a PowerShell list as it was written (`'a', 'b'` or `@('a', 'b')`) into its values."""
    raw = raw.strip()
    if raw.startswith("@(") and raw.endswith(")"):
        raw = raw[2:-1]
    items, start, quote = [], 0, ""
    for at, char in enumerate(raw):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in ",\n":
            items.append(raw[start:at])
            start = at + 1
    items.append(raw[start:])
    values = []
    for item in items:
        scanner = _Scanner(item.strip(), is_windows=True)
        values.append(" ".join(word.value for segment in scanner.run() for word in segment.words))
    return tuple(value for value in values if value)


def render(words: Iterable[str], *, is_windows: bool) -> str:
    """Write words as a command line that is split into the same words again."""
    quote = _quote_windows if is_windows else _quote_posix
    return " ".join(quote(word) for word in words)


def _readable(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise CommandTooLongError(
            f"the command line has {len(text):,} characters; give at most {MAX_LENGTH:,}"
        )
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def _quote_windows(word: str) -> str:
    if _SAFE_WINDOWS.fullmatch(word):
        return word
    name = _NAME.match(word)
    start = name[0] if name else ""
    rest = word[len(start) :].replace("`", "``").replace('"', '""')
    return f'{start}"{rest}"'


def _quote_posix(word: str) -> str:
    if _SAFE_POSIX.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


class _Scanner:
    """Reads a text once from left to right."""

    def __init__(self, text: str, *, is_arguments: bool = False, is_windows: bool = False) -> None:
        self.text = text
        self.end = len(text)
        self.at = 0
        self.is_arguments = is_arguments
        self.has_mark = is_arguments or is_windows or _WINDOWS_MARK.search(text) is not None
        self.is_windows = self.has_mark
        self.segments: list[Segment] = []
        self.words: list[Word] = []
        self.chars: list[str] = []
        self.start = -1  # of the word in hand; -1 between words
        self.depth = 0  # of parentheses in the word in hand
        self.before = ""
        self.is_target = False  # the next word is where a redirection leads
        self.documents: list[str] = []

    def run(self) -> list[Segment]:
        """Read all of it."""
        while self.at < self.end:
            char = self.text[self.at]
            if self.start < 0 and not self.words and char not in _BLANK and not self.is_arguments:
                self.is_windows = self.has_mark and _POSIX_START.match(self.text, self.at) is None
            if self.is_arguments:
                self._step_argument(char)
            elif self.depth:
                self._step_nested(char)
            else:
                self._step(char)
        self._end_segment("")
        return self.segments

    def _peek(self, offset: int = 1) -> str:
        return self.text[self.at + offset : self.at + offset + 1]

    def _take(self, char: str, length: int = 1) -> None:
        if self.start < 0:
            self.start = self.at
        self.chars.append(char)
        self.at += length

    def _step_argument(self, char: str) -> None:
        if char in _BLANK or char == "\n":
            self._end_word()
            self.at += 1
        elif char == '"':
            self._double_quoted()
        elif char == "\\" and self._peek() == '"':
            self._take('"', 2)
        else:
            self._take(char)

    def _step_nested(self, char: str) -> None:
        """Read on within parentheses, where blanks and separators belong to the word."""
        if char in "\"'":
            close = self.text.find(char, self.at + 1)
            close = self.end - 1 if close < 0 else close
            self._take(self.text[self.at : close + 1], close + 1 - self.at)
            return
        self.depth += (char == "(") - (char == ")")
        self._take(char)

    def _step(self, char: str) -> None:  # noqa: C901, PLR0912 - one branch for each character that counts
        following = self._peek()
        if char in _BLANK:
            self._end_word()
            self.at += 1
        elif char == "\n":
            self._end_segment("\n")
            self.at += 1
            self._skip_documents()
        elif char == ";":
            if self.is_windows and following.strip() and self._is_list():
                self._take(char)
            else:
                self._separate(";")
        elif char in "&|":
            self._and_or_pipe(char, following)
        elif char in "<>":
            self._redirect()
        elif char == "#" and self.start < 0:
            line_end = self.text.find("\n", self.at)
            self.at = self.end if line_end < 0 else line_end
        elif char == "(" and self.start < 0 and not self.words:
            self.at += 1
        elif char == "(":
            self.depth = 1
            self._take(char)
        elif char == ")":
            self._separate(")")
        elif char == '"':
            self._double_quoted()
        elif char == "'":
            self._single_quoted()
        elif char == "\\" or (self.is_windows and char in "^`"):
            self._escape(char, following)
        else:
            self._take(char)

    def _is_list(self) -> bool:
        """Whether the word in hand is a list whose entries a semicolon separates."""
        if self.start < 0:
            return False
        is_choco = bool(self.words) and self.words[0].value.lower() in {"choco", "cinst", "cup"}
        return is_choco or _LIST_NAME.match("".join(self.chars[:12])) is not None

    def _and_or_pipe(self, char: str, following: str) -> None:
        if following == char:
            self._separate(char * 2)
        elif char == "&" and following == ">":
            self.at += 1
            self._redirect()
        elif char == "&" and self.is_windows and self.start < 0 and not self.words:
            self.at += 1  # PowerShell's call operator
        else:
            self._separate(char)

    def _separate(self, separator: str) -> None:
        self._end_segment(separator)
        self.at += len(separator)

    def _escape(self, char: str, following: str) -> None:
        if following in {"\n", "\r"} and (char != "\\" or not self.is_windows or self.start < 0):
            self.at += 3 if self.text[self.at + 1 : self.at + 3] == "\r\n" else 2
        elif (char == "\\" and self.is_windows and following != '"') or not following:
            self._take(char)
        else:
            self._take(following, 2)

    def _redirect(self) -> None:
        if "".join(self.chars).isdecimal() or self.chars == ["*"]:
            self.chars, self.start = [], -1
        self._end_word()
        first = self.at
        while self.at < self.end and self.text[self.at] in "<>":
            self.at += 1
        signs = self.text[first : self.at]
        if signs == "<<":
            found = _DOCUMENT.match(self.text, self.at)
            if found:
                self.documents.append(found[1] or found[2] or found[3])
                self.at = found.end()
        elif self._peek(0) == "&":
            self.at += 1
            while self.at < self.end and (self.text[self.at].isdecimal() or self.text[self.at] == "-"):
                self.at += 1
        else:
            self.is_target = True

    def _skip_documents(self) -> None:
        for mark in self.documents:
            while self.at < self.end:
                line_end = self.text.find("\n", self.at)
                line_end = self.end if line_end < 0 else line_end
                line, self.at = self.text[self.at : line_end], line_end + 1
                if line.strip() == mark:
                    break
        self.documents = []

    def _double_quoted(self) -> None:
        if self.start < 0:
            self.start = self.at
        self.at += 1
        is_inner = False  # between two escaped quotes
        while self.at < self.end:
            char, following = self.text[self.at], self._peek()
            if char == '"':
                if not (self.is_windows and following == '"'):
                    self.at += 1
                    return
                self._take(char, 2)
            elif not self.is_windows:
                is_escape = char == "\\" and following and following in '"\\$`\n'
                self._take(
                    ("" if following == "\n" else following) if is_escape else char, 1 + bool(is_escape)
                )
            elif char == "\\" and following == '"':
                third = self._peek(2)
                # "C:\App\" ends a path, unless an escaped quote is open.
                if not is_inner and (not third.strip() or third == '"'):
                    self._take(char)
                else:
                    is_inner = not is_inner
                    self._take('"', 2)
            elif char == "`" and following in {'"', "`"}:
                self._take(following, 2)
            else:
                self._take(char)

    def _single_quoted(self) -> None:
        previous = self.chars[-1][-1:] if self.start >= 0 and self.chars else ""
        is_opening = not self.is_windows or self.start < 0 or previous in {"=", ",", ":"}
        close = self.text.find("'", self.at + 1) if is_opening else -1
        if not is_opening or (self.is_windows and close < 0):
            self._take("'")
            return
        if self.start < 0:
            self.start = self.at
        close = self.end if close < 0 else close
        self.chars.append(self.text[self.at + 1 : close])
        self.at = close + 1
        while self.is_windows and self._peek(0) == "'":
            close = self.text.find("'", self.at + 1)
            close = self.end if close < 0 else close
            self.chars.append(self.text[self.at : close])
            self.at = close + 1

    def _end_word(self) -> None:
        if self.start >= 0:
            if self.is_target:
                self.is_target = False
            else:
                self.words.append(Word("".join(self.chars), self.text[self.start : self.at]))
        self.chars, self.start, self.depth = [], -1, 0

    def _end_segment(self, separator: str) -> None:
        self._end_word()
        self.is_target = False
        if self.words:
            self.segments.append(Segment(tuple(self.words), self.before, separator, self.is_windows))
            self.before = separator
        elif self.segments and separator.strip() and self.segments[-1].after in {")", "\n", "}"}:
            # After a closing parenthesis, what follows belongs to the whole group.
            self.segments[-1] = self.segments[-1]._replace(after=separator)
            self.before = separator
        self.words = []


_DOCUMENT = re.compile(r"-?[ \t]{0,20}(?:'([^'\n]{1,100})'|\"([^\"\n]{1,100})\"|\\?(\w{1,100}))")
