"""Images of applications with the labelled truth: which packages each of them really uses, and how.

Everything else in an image is there without being used. The labels were set by reading the sources: what the program
imports (and what that imports in turn), what its executables are linked with, and what they read while they work. What
`dpkg -l`, `find`, `tar` and `grep -r` read afterwards, as operators and agents do, is used by nobody; these programs
themselves are, and so is what they are linked with.

Data and settings of a package that an application works with (a locale, `openssl.cnf`) count as opened. What describes
a package to its package manager (its metadata), and what a program looks at only to learn what there is, does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.image_fleet import JAVA_AND_NODE, ORDINARY, PYTHON
from benchmarks.image_layers import (
    SITE_PACKAGES,
    Files,
    GoModule,
    GoProgram,
    Jars,
    JavaClasses,
    NodePackages,
    Recipe,
    Wheels,
)

from deadlight.model.observation import Grade

EXECUTED, MAPPED, OPENED = Grade.EXECUTED, Grade.MAPPED, Grade.OPENED

PORT_VARIABLE = "PORT"


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image, what is done with it and which packages that uses."""

    name: str
    recipes: tuple[Recipe, ...]
    command: tuple[str, ...]
    used: Mapping[str, Grade]
    """`<type>/<name>` as package URLs have them -> the strongest evidence there is to see."""
    environment: tuple[str, ...] = ()
    asked: bool = False
    """It serves HTTP at the port it is told until it is ended, and is asked for /report once."""
    searched: str = ""
    """A folder that tools read while it runs; none where it is empty."""
    older: bool = False
    """It runs before the sensor does."""
    invisible: frozenset[str] = field(default_factory=frozenset)
    """Of an older one: what it had opened and closed before anybody looked."""


def _of(kind: str, grade: Grade, names: str) -> dict[str, Grade]:
    return {f"{kind}/{name}": grade for name in names.split()}


_SHELL = _of("deb/debian", EXECUTED, "dash") | _of("deb/debian", MAPPED, "libc6")
_SEARCHING = (
    _SHELL
    | _of("deb/debian", EXECUTED, "dpkg findutils tar grep coreutils")
    | _of("deb/debian", MAPPED, "libselinux1 libpcre2-8-0 libacl1 libmd0")
)
"""What the tools are, and what they are linked with."""

# --- Python ---------------------------------------------------------------------------------------------------

_PYTHON_APPLICATION = """
import importlib.metadata
import os

import flask
import msgpack
import requests

application = flask.Flask(__name__)
plugins = list(importlib.metadata.entry_points())


@application.get("/report")
def report():
    import yaml

    return flask.Response(yaml.safe_dump({"packed": msgpack.packb([1, 2, requests.__version__]).hex()}))


@application.get("/")
def ready():
    return "ready"


if __name__ == "__main__":
    application.run("127.0.0.1", int(os.environ["PORT"]))
"""
_PYTHON_WHEELS = Wheels(
    (
        *("flask==3.0.3", "requests==2.32.3", "msgpack==1.0.8", "pyyaml==6.0.2"),
        *("six==1.16.0", "pillow==9.5.0", "python-dateutil==2.9.0", "cffi==1.17.1", "attrs==24.2.0", "pytest==8.3.3"),
    )
)
_PYTHON_USED = (
    _of("deb/debian", EXECUTED, "python3.11-minimal")
    | _of("deb/debian", MAPPED, "libc6 libpython3.11-minimal libpython3.11-stdlib libexpat1 zlib1g libssl3")
    | _of("deb/debian", MAPPED, "libbz2-1.0 liblzma5 libuuid1 libstdc++6 libgcc-s1")
    | _of("deb/debian", OPENED, "base-files libc-bin locales openssl python3-setuptools")
    | _of("pypi", OPENED, "flask werkzeug jinja2 click itsdangerous blinker requests urllib3 idna certifi")
    | _of("pypi", MAPPED, "markupsafe msgpack charset-normalizer pyyaml")
)
_PYTHON_BRIEF = """
import markupsafe
import six

print(six.PY3, markupsafe.escape("<b>"))
"""
_PYTHON_BRIEF_USED = (
    _of("deb/debian", EXECUTED, "python3.11-minimal")
    | _of("deb/debian", MAPPED, "libc6 libexpat1 zlib1g libpython3.11-stdlib")
    | _of("deb/debian", OPENED, "libpython3.11-minimal libc-bin locales python3-setuptools")
    | _of("pypi", MAPPED, "markupsafe")
    | _of("pypi", OPENED, "six")
)
_PYTHON_COMMAND = ("/usr/bin/python3", "/app/main.py")
_PYTHON_ENVIRONMENT = (f"PYTHONPATH=/{SITE_PACKAGES}", "PYTHONDONTWRITEBYTECODE=1")


def _python(name: str, application: str = _PYTHON_APPLICATION) -> tuple[Recipe, ...]:
    return (ORDINARY, PYTHON, _PYTHON_WHEELS, Files((("app/main.py", application), ("app/case", name))))


# --- Node -----------------------------------------------------------------------------------------------------

_NODE_APPLICATION = """
const http = require('http');
const semver = require('semver');
const _ = require('lodash');
const axios = require('axios');
const { crc32 } = require('@node-rs/crc32');

const server = http.createServer((request, response) => {
  if (request.url === '/report') {
    const { v4 } = require('uuid');
    response.end(`${v4()} ${crc32('text')} ${semver.valid('1.2.3')} ${_.max([1, 2])} ${typeof axios.get}`);
  } else {
    response.end('ready');
  }
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
"""
_NODE_PACKAGES = NodePackages(
    (
        *("semver@7.5.4", "lodash@4.17.21", "axios@0.21.4", "uuid@9.0.1", "@node-rs/crc32@1.10.3"),
        *("chalk@4.1.2", "moment@2.29.4", "minimist@1.2.8", "js-yaml@4.1.0", "left-pad@1.3.0"),
    )
)
_NODE_USED = (
    _of("deb/debian", EXECUTED, "nodejs")
    | _of(
        "deb/debian", MAPPED, "libnode108 libc6 libstdc++6 libgcc-s1 zlib1g libuv1 libbrotli1 libc-ares2 libnghttp2-14"
    )
    | _of("deb/debian", MAPPED, "libssl3 libicu72")
    | _of("deb/debian", OPENED, "base-files openssl node-acorn node-cjs-module-lexer node-undici")
    | _of("npm", OPENED, "semver lru-cache yallist lodash axios follow-redirects uuid @node-rs/crc32")
    | _of("npm", MAPPED, "@node-rs/crc32-linux-x64-gnu")
)

# --- Java -----------------------------------------------------------------------------------------------------

_JAVA_JARS = Jars(("libjackson2-databind-java", "libcommons-text-java", "libguava-java", "libcommons-compress-java"))
_JAVA_APPLICATION = """
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.Map;
import org.apache.commons.text.StringEscapeUtils;

public class Main {
    static byte[] report() throws Exception {
        return new ObjectMapper().writeValueAsBytes(Map.of("text", StringEscapeUtils.escapeHtml4("<b>")));
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            try {
                byte[] answer = exchange.getRequestURI().getPath().equals("/report") ? report() : "ready".getBytes();
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
            } catch (Exception problem) {
                problem.printStackTrace();
            }
            exchange.close();
        });
        server.start();
    }
}
"""
_JAVA_USED = (
    _of("deb/debian", EXECUTED, "openjdk-17-jre-headless")
    | _of("deb/debian", MAPPED, "libc6 zlib1g libstdc++6 libgcc-s1")
    | _of("maven/com.fasterxml.jackson.core", OPENED, "jackson-databind jackson-core jackson-annotations")
    | _of("maven/org.apache.commons", OPENED, "commons-text commons-lang3")
)

_JAVA_BRIEF = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.apache.commons.text.StringEscapeUtils;

public class Main {
    public static void main(String[] arguments) throws Exception {
        System.out.println(new ObjectMapper().writeValueAsString(Map.of("text", StringEscapeUtils.escapeHtml4("<b>"))));
    }
}
"""
_JAVA_COMMAND = ("/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "-cp", "/app/classes:/app/lib/*", "Main")

# --- Go -------------------------------------------------------------------------------------------------------

_GO_SOURCE = """
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/google/uuid"
	"github.com/pkg/errors"
)

func main() {
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprintln(answer, uuid.New(), errors.New("none"))
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
"""
_GO_UNUSED_SOURCE = """
package main

import "github.com/spf13/pflag"

func main() { pflag.Parse() }
"""
_GO_SERVER = GoProgram(
    "app/server",
    _GO_SOURCE,
    (
        GoModule("github.com/google/uuid", "v1.3.0", "golang-github-google-uuid-dev"),
        GoModule("github.com/pkg/errors", "v0.9.1", "golang-github-pkg-errors-dev"),
    ),
)
_GO_UNUSED = GoProgram(
    "app/unused", _GO_UNUSED_SOURCE, (GoModule("github.com/spf13/pflag", "v1.0.5", "golang-github-spf13-pflag-dev"),)
)
_GO_USED = _of("golang", MAPPED, "stdlib example.com/program github.com/google/uuid github.com/pkg/errors")

# --- shell ----------------------------------------------------------------------------------------------------

_JOB = """
set -e
date > /tmp/job
seq 5 | sort -r | sed s/1/one/ >> /tmp/job
openssl dgst -sha256 /tmp/job
git --version
dpkg -l | wc -l
find / -xdev -type f -name '*.md'
tar cf - /usr/lib | wc -c
grep -rl 'no such text is anywhere' /usr/lib || true
"""
_JOB_USED = (
    _SEARCHING
    | _of("deb/debian", EXECUTED, "sed openssl git")
    | _of("deb/debian", MAPPED, "libssl3 zlib1g libacl1 libselinux1 libpcre2-8-0")
)

WORKLOADS = (
    Labelled(
        "python",
        _python("python"),
        _PYTHON_COMMAND,
        _SEARCHING | _PYTHON_USED,
        _PYTHON_ENVIRONMENT,
        asked=True,
        searched=f"/{SITE_PACKAGES}",
    ),
    Labelled(
        "node",
        (ORDINARY, JAVA_AND_NODE, _NODE_PACKAGES, Files((("app/main.js", _NODE_APPLICATION), ("app/case", "node")))),
        ("/usr/bin/node", "/app/main.js"),
        _SEARCHING | _NODE_USED,
        asked=True,
        searched="/app",
    ),
    Labelled(
        "java",
        (ORDINARY, JAVA_AND_NODE, _JAVA_JARS, JavaClasses(_JAVA_APPLICATION, _JAVA_JARS)),
        _JAVA_COMMAND,
        _SEARCHING | _JAVA_USED,
        asked=True,
        searched="/app",
    ),
    Labelled(
        "java-brief",
        (ORDINARY, JAVA_AND_NODE, _JAVA_JARS, JavaClasses(_JAVA_BRIEF, _JAVA_JARS)),
        _JAVA_COMMAND,
        _JAVA_USED,
    ),
    Labelled(
        "go", (ORDINARY, _GO_SERVER, _GO_UNUSED), ("/app/server",), _SEARCHING | _GO_USED, asked=True, searched="/app"
    ),
    Labelled(
        "python-older",
        _python("python-older"),
        _PYTHON_COMMAND,
        _SEARCHING | _PYTHON_USED,
        _PYTHON_ENVIRONMENT,
        asked=True,
        searched=f"/{SITE_PACKAGES}",
        older=True,
        invisible=frozenset(name for name, grade in _PYTHON_USED.items() if grade is OPENED),
    ),
    Labelled(
        "python-brief",
        _python("python-brief", _PYTHON_BRIEF),
        _PYTHON_COMMAND,
        _PYTHON_BRIEF_USED,
        _PYTHON_ENVIRONMENT,
    ),
    Labelled("shell", (ORDINARY, Files((("app/job", _JOB),))), ("/bin/sh", "/app/job"), _JOB_USED),
)
