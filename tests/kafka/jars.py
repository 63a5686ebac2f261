"""Kafka's own jars from Maven Central, once per machine, in a cache outside the repository."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import platformdirs

from backbone.embedded.locks import alone

KAFKA_VERSION = "4.3.1"
JAVA_MIN = 17
FETCH_SECONDS_MAX = 600.0
"""How long the first fetch may take, and how long another session waits for it."""

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


class NotHere(Exception):
    """There can be no broker this way; the message says why, and what would help."""


@dataclass(frozen=True)
class Jars:
    """A folder of jars, and a JVM to run them with."""

    java: Path
    folder: Path

    @cached_property
    def archive(self) -> Path:
        """Where the class archive of this JVM lies, or will: another JVM could not use it."""
        found = self.java.stat()
        about = f"{self.java} {found.st_size} {found.st_mtime_ns}".encode()
        return self.folder / f"kafka-{hashlib.sha256(about).hexdigest()[:12]}.jsa"


def cache_folder() -> Path:
    """Where jars and class archives are kept between sessions."""
    return Path(platformdirs.user_cache_dir("backbone-tests", appauthor=False)) / "kafka"


def fetched() -> Jars:
    """The jars, fetched if they are not here yet; raises NotHere."""
    java = _java()
    folder = cache_folder() / KAFKA_VERSION
    if not (folder / "libs").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / "fetching.lock", seconds_max=FETCH_SECONDS_MAX):
            if not (folder / "libs").is_dir():
                _fetch(folder)
    return Jars(java, folder)


def _java() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        raise NotHere(f"there is no java: install a JVM {JAVA_MIN} or newer")
    java = Path(found).resolve()
    version = _java_version(java)
    if version < JAVA_MIN:
        raise NotHere(f"java is {version}: install a JVM {JAVA_MIN} or newer")
    return java


def _java_version(java: Path) -> int:
    """The JVM's feature release, from the file that every JDK ships: asking it takes a start."""
    release = java.parent.parent / "release"
    text = (
        release.read_text(encoding="utf-8")
        if release.exists()
        else subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    )
    found = re.search(r'(?:JAVA_VERSION=|version )"(\d+)', text)
    return int(found[1]) if found else 0


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotHere("there is no Maven to fetch Kafka's jars with: install maven")
    (folder / "pom.xml").write_text(_POM, encoding="utf-8")
    partial = folder / "libs.partial"
    shutil.rmtree(partial, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    ran = subprocess.run(
        [maven, "-q", "-B", *goal],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=FETCH_SECONDS_MAX,
    )
    if ran.returncode != 0:
        raise NotHere("Maven could not fetch Kafka's jars: does it reach Maven Central?")
    partial.rename(folder / "libs")
