"""The scanner of infrastructure as code, as far as a layer's pass goes; `checkov.judge_iac` does the rest."""

from collections.abc import Sequence

from deadlight.model.exposure import ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.iac.files import MAX_BYTES, take, wants


def judge(files: Sequence[KeptFile], _: ImageSettings) -> Judgement:
    """Says of every file that it was not judged: another process does that, which a pure function does not start.

    So nobody takes the silence of this scanner alone for a clean bill.
    """
    own = [file for file in files if not file.is_deleted and not file.owner_purl]
    return Judgement(problems=tuple(f"{file.path}: infrastructure as code that was not judged" for file in own))


IAC_SCANNER = ExposureScanner(
    name="iac", version=1, category=ExposureCategory.IAC, wants=wants, take=take, judge=judge, max_bytes=MAX_BYTES
)
