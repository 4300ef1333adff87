"""Version orders as those who define them implement them, each asked about many pairs at once."""

import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
import semver
from tests.support.native_orders import PAIRS

from deadlight.ecosystems import InvalidVersionError, VersionKey

Pair = tuple[str, str]

REFUSED = "!"

_RUBY = """
STDIN.each_line do |line|
  a, b = line.chomp.split("\\t")
  begin
    puts Gem::Version.new(a) <=> Gem::Version.new(b)
  rescue ArgumentError
    puts "!"
  end
end
"""

_PHP = """
require_once "Composer/Semver/autoload.php";
$parser = new Composer\\Semver\\VersionParser;
while (($line = fgets(STDIN)) !== false) {
  [$a, $b] = explode("\\t", rtrim($line, "\\n"));
  try {
    [$a, $b] = [$parser->normalize($a), $parser->normalize($b)];
  } catch (UnexpectedValueException $e) {
    echo "!\\n";
    continue;
  }
  echo str_starts_with($a, "dev-") || str_starts_with($b, "dev-") ? "!" : version_compare($a, $b), "\\n";
}
"""

_NODE = """
const semver = require(process.argv[1]);
for (const line of require("fs").readFileSync(0, "utf8").trimEnd().split("\\n")) {
  const [a, b] = line.split("\\t").map((text) => semver.parse(text));
  console.log(a && b ? semver.compare(a, b) : "!");
}
"""

_GO = """package main

import ("bufio"; "fmt"; "os"; "strings"; "oracle/semver")

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), "\\t")
		if semver.IsValid(a) && semver.IsValid(b) {
			fmt.Println(semver.Compare(a, b))
		} else {
			fmt.Println("!")
		}
	}
}
"""

_MAVEN_JAR = Path("/usr/share/java/maven-artifact-3.x.jar")
_MAVEN_CLASS = "org.apache.maven.artifact.versioning.ComparableVersion"
_MAVEN_AT_ONCE = 30_000
"""Versions on one command line."""


def _program(name: str, why: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: {why} cannot be asked for its order")
    return path


def _ask(command: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    lines = "".join(f"{a}\t{b}\n" for a, b in pairs)
    return subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


def rubygems(pairs: Sequence[Pair]) -> list[str]:
    """The order of Gem::Version."""
    return _ask([_program("ruby", "RubyGems"), "-e", _RUBY], pairs)


def composer(pairs: Sequence[Pair]) -> list[str]:
    """The order of Composer: its parser's normal form, compared by PHP."""
    php = _program("php", "Composer")
    loading = [php, "-r", 'require "Composer/Semver/autoload.php";']
    if subprocess.run(loading, capture_output=True, check=False).returncode:
        pytest.skip("composer/semver is not installed: Composer cannot be asked for its order")
    return _ask([php, "-r", _PHP], pairs)


def npm(pairs: Sequence[Pair]) -> list[str]:
    """The order of the semver package that npm itself is built with."""
    modules = subprocess.run([_program("npm", "npm"), "root", "-g"], capture_output=True, text=True, check=True).stdout
    return _ask([_program("node", "npm"), "-e", _NODE, f"{modules.strip()}/npm/node_modules/semver"], pairs)


def python_semver(pairs: Sequence[Pair]) -> list[str]:
    """The order of the `semver` package of PyPI."""

    def verdict(a: str, b: str) -> str:
        try:
            return str(semver.Version.parse(a).compare(b))
        except ValueError:
            return REFUSED

    return [verdict(a, b) for a, b in pairs]


def go(pairs: Sequence[Pair], workspace: Path) -> list[str]:
    """The order of golang.org/x/mod/semver, of which every Go installation has the source."""
    program = _program("go", "Go")
    root = subprocess.run([program, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    (workspace / "semver").mkdir()
    shutil.copy(f"{root}/src/cmd/vendor/golang.org/x/mod/semver/semver.go", workspace / "semver")
    (workspace / "go.mod").write_text("module oracle\n\ngo 1.18\n")
    (workspace / "main.go").write_text(_GO)
    subprocess.run([program, "build", "-o", "oracle", "."], cwd=workspace, check=True, capture_output=True)
    return _ask([str(workspace / "oracle")], pairs)


def maven(pairs: Sequence[Pair]) -> list[str]:
    """The order of ComparableVersion, whose main program compares each of its arguments with the one before."""
    java = _program("java", "Maven")
    if not _MAVEN_JAR.exists():
        pytest.skip(f"{_MAVEN_JAR} is not there: Maven cannot be asked for its order")
    versions = [version for pair in pairs for version in pair]
    signs = {"<": "-1", "==": "0", ">": "1"}
    verdicts: list[str] = []
    for start in range(0, len(versions), _MAVEN_AT_ONCE):
        some = versions[start : start + _MAVEN_AT_ONCE]
        command = [java, "-Xshare:auto", "-cp", str(_MAVEN_JAR), _MAVEN_CLASS, *some]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
        compared = [line.split(" ")[-2] for line in lines if line.startswith("   ")]
        assert len(compared) == len(some) - 1
        verdicts += [signs[sign] for sign in compared[::2]]
    return verdicts


def semver_versions(chance: random.Random) -> str:
    """Three numbers with any pre-release and build metadata."""
    core = ".".join(str(chance.choice([0, 0, 1, 2, 10, 11])) for _ in range(3))
    parts = [chance.choice(["alpha", "beta", "rc", "a", "A", "0", "1", "2", "11", "rc1", "-", "x-1"]) for _ in range(3)]
    pre_release = "-" + ".".join(parts[: chance.randint(1, 3)]) if chance.random() < 0.6 else ""
    return core + pre_release + chance.choice(["", "", "+build.1", "+001"])


def variations(make: Callable[[random.Random], str], alphabet: Sequence[str], seed: int) -> Iterator[Pair]:
    """Pairs without end: two versions made apart, or one and what a few changes make of it."""
    chance = random.Random(seed)
    while True:
        a = make(chance)
        b = make(chance) if chance.random() < 0.6 else _mutated(a, alphabet, chance)
        yield (a, b) if chance.random() < 0.5 else (b, a)


def _mutated(version: str, alphabet: Sequence[str], chance: random.Random) -> str:
    characters = list(version)
    for _ in range(chance.randint(1, 2)):
        position = chance.randrange(len(characters) + 1)
        characters[position : position + chance.randint(0, 1)] = chance.choice(alphabet)
    return "".join(characters) or version


def assert_same_order(
    key: Callable[[str], VersionKey],
    oracle: Callable[[Sequence[Pair]], list[str]],
    pairs: Iterator[Pair],
    *,
    count: int = PAIRS * 7 // 5,
) -> None:
    """Every pair the oracle can compare is compared alike, and there are enough of them."""
    asked = list(islice(pairs, count))
    answers = oracle(asked)
    assert len(answers) == len(asked)
    compared = [(a, b, theirs) for (a, b), theirs in zip(asked, answers, strict=True) if theirs != REFUSED]
    wrong = [(a, b, theirs, ours) for a, b, theirs in compared if (ours := _verdict(key, a, b)) != theirs]
    assert wrong[:20] == []
    assert len(compared) >= PAIRS


def _verdict(key: Callable[[str], VersionKey], a: str, b: str) -> str:
    try:
        left, right = key(a), key(b)
    except InvalidVersionError:
        return REFUSED
    return str((left > right) - (left < right))


def assert_ascending(key: Callable[[str], VersionKey], *versions: str) -> None:
    """Each version is below the next."""
    keys = [key(version) for version in versions]
    assert [a for a, (low, high) in zip(versions, pairwise(keys), strict=False) if not low < high] == []
