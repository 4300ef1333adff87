"""The sentence inside a service's refusal, for people to read."""

import json

LONGEST = 500


def refusal_text(body: bytes) -> str:
    """What an error answer says: `detail`, `message` or `error` of a JSON body, else the body itself; shortened."""
    text = body[: 8 * LONGEST].decode("utf-8", "replace").strip()
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        told = next((answer[key] for key in ("detail", "message", "error") if answer.get(key)), text)
        text = told if isinstance(told, str) else json.dumps(told)
    printable = "".join(character if character.isprintable() else " " for character in text[:LONGEST])
    return printable or "no reason given"
