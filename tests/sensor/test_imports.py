"""A sensor runs on every node for months: what it imports is what it costs."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import deadlight.sensor.__main__
import deadlight.sensor.running
print(json.dumps(list(sys.modules)))
"""


def test_the_sensor_imports_the_standard_library_and_msgspec_only():
    run = subprocess.run([sys.executable, "-I", "-c", PROGRAM], capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in json.loads(run.stdout)}

    # What an environment loads before any program does not come from the sensor.
    before = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    ambient = {name.partition(".")[0] for name in before.stdout.split()}

    # msgspec reads typing_extensions' names where that is installed.
    assert names - ambient - sys.stdlib_module_names - {"typing_extensions"} == {"deadlight", "msgspec"}
    assert "asyncio" not in names
