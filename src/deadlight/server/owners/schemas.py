"""Bodies of the owners map."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, model_validator

from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.owners.rules import split_labels

MAX_RULES = 1_000
MAX_DOCUMENT = 512 * 1024

_ADDRESS = re.compile(r"[^\s@,;<>\"()]{1,64}@[^\s@,;<>\"()]{1,189}")


def _address(text: str) -> str:
    if text and not (_ADDRESS.fullmatch(text) and text.isprintable()):
        raise ValueError("must be one e-mail address")
    return text


def _web_address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/]+\S*", text):
        raise ValueError("must be an http:// or https:// address")
    return text


def _selector(text: str) -> str:
    split_labels(text)
    return text


Pattern = Annotated[PlainText, Field(max_length=512)]
Name = Annotated[PlainText, Field(max_length=256)]


class RuleIn(BaseModel):
    """A rule as a person enters it. Patterns know `*` and `?`; an empty one matches everything."""

    model_config = {"extra": "forbid", "str_strip_whitespace": True}

    cluster: Pattern = ""
    namespace: Pattern = ""
    repository: Pattern = ""
    label: Annotated[PlainText, AfterValidator(_selector), Field(max_length=1024)] = ""
    team: Name = ""
    person: Name = ""
    email: Annotated[PlainText, AfterValidator(_address), Field(max_length=254)] = ""
    slack: Name = ""
    on_call: Annotated[PlainText, AfterValidator(_web_address), Field(max_length=2048)] = ""
    demonstration: bool = False

    @model_validator(mode="after")
    def _names_somebody(self) -> "RuleIn":
        if not (self.team or self.person or self.email):
            raise ValueError("a rule names a team, a person or an e-mail address")
        return self


class RuleOut(RuleIn):
    """A rule of the map; the first that matches counts."""

    id: int
    position: int


class OrderIn(BaseModel):
    """Every rule once, in the order in which they are to count."""

    ids: list[int] = Field(max_length=MAX_RULES)


class OwnerOut(BaseModel):
    """Who is responsible and where that is known from. Empty texts are unknown."""

    team: str
    person: str
    email: str
    slack: str
    on_call: str
    source: str


class TrialIn(BaseModel):
    """Something that might run. Of a workload that is there, what is left out is taken from it."""

    workload_id: int | None = None
    cluster: Pattern = ""
    namespace: Pattern = ""
    image: Annotated[PlainText, Field(max_length=2048)] = ""
    labels: dict[PlainText, PlainText] = Field(default={}, max_length=64)


class CheckedRule(BaseModel):
    """A rule that was looked at, with every comparison that was made."""

    id: int
    position: int
    matches: bool
    reasons: list[str]


class TrialOut(BaseModel):
    """Who would be responsible, and why: the rules up to the first that matches."""

    owner: OwnerOut | None
    explanation: str
    checked: list[CheckedRule]


class DocumentIn(BaseModel):
    """The whole map as YAML or JSON; it replaces the one there is."""

    content: PlainText = Field(max_length=MAX_DOCUMENT)


class Replaced(BaseModel):
    """How many rules the map has now."""

    rules: int
