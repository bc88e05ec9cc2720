"""Builds everything that is derived from the contract, with no network.

    generate.py             rewrites generated/python and generated/ts whole
    generate.py --check     exits 1 and names the files when generated/ is not what the contract gives
    generate.py --image F   writes the contract as a descriptor set with comments, for `buf lint` and `buf breaking`
    generate.py --baseline  makes the present contract the one that `buf breaking` compares with

The compiler is the one in the grpcio-tools wheel and google/* comes from the googleapis-common-protos wheel;
protoc-gen-es comes from clients/node_modules (`npm ci` there), so Node is needed for all but --image and --baseline.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import google.rpc.status_pb2
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "generated"
BASELINE = PROTOS / "baseline.binpb"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
GOOGLEAPIS = Path(google.rpc.status_pb2.__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
PROTOC_GEN_ES = ROOT / "clients" / "node_modules" / ".bin" / "protoc-gen-es"

# What a client needs to read the details of an error, imported by no file of the contract.
ERROR_MODEL = ("google/rpc/code.proto", "google/rpc/error_details.proto", "google/rpc/status.proto")


def sources() -> list[str]:
    return sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))


def protoc(*arguments: str) -> None:
    includes = [f"-I{folder}" for folder in (PROTOS, WELL_KNOWN, GOOGLEAPIS)]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SystemExit("protoc refused the contract (its messages are above)")


def write_image(target: Path, *, comments: bool) -> FileDescriptorSet:
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = ["--include_source_info"] if comments else []
    protoc("--include_imports", *flags, f"--descriptor_set_out={target}", *sources())
    return FileDescriptorSet.FromString(target.read_bytes())


def generate_python(target: Path, services: list[str]) -> None:
    target.mkdir(parents=True)
    protoc(
        f"--plugin=protoc-gen-mypy={SCRIPTS / 'protoc-gen-mypy'}",
        f"--python_out={target}",
        f"--mypy_out=quiet:{target}",
        *sources(),
    )
    if services:
        protoc(
            f"--plugin=protoc-gen-mypy_grpc={SCRIPTS / 'protoc-gen-mypy_grpc'}",
            f"--grpc_python_out={target}",
            f"--mypy_grpc_out=quiet,generate_concrete_servicer_stubs:{target}",
            *services,
        )
    for folder in sorted(path for path in target.rglob("*") if path.is_dir()):
        (folder / "__init__.py").touch()
    for package in (path for path in target.iterdir() if path.is_dir()):
        (package / "py.typed").touch()


def generate_typescript(target: Path, imported: list[str]) -> None:
    if not PROTOC_GEN_ES.exists():
        raise SystemExit("clients/node_modules is missing: run `npm ci` in clients/ (make does it)")
    target.mkdir(parents=True)
    protoc(
        f"--plugin=protoc-gen-es={PROTOC_GEN_ES}",
        f"--es_out={target}",
        "--es_opt=target=ts,import_extension=js",
        *sources(),
        *imported,
    )


def generate(target: Path) -> None:
    """Fills `target`, an existing empty folder, with the folders python and ts."""
    image = write_image(target / "image.binpb", comments=False)
    (target / "image.binpb").unlink()
    own = set(sources())
    services = [file.name for file in image.file if file.service and file.name in own]
    imported = {
        file.name for file in image.file if file.name not in own and not file.name.startswith("google/protobuf/")
    }
    generate_python(target / "python", services)
    generate_typescript(target / "ts", sorted(imported | set(ERROR_MODEL)))


def files_under(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }


def differences(fresh: Path, kept: Path) -> list[str]:
    made, present = files_under(fresh), files_under(kept)
    changed = {name for name in made & present if not filecmp.cmp(fresh / name, kept / name, shallow=False)}
    return sorted(
        [f"missing  generated/{name}" for name in made - present]
        + [f"left     generated/{name}" for name in present - made]
        + [f"differs  generated/{name}" for name in changed]
    )


def install(fresh: Path, kept: Path) -> None:
    """Makes `kept` equal to `fresh`, touching only the files that differ."""
    made = files_under(fresh)
    for name in files_under(kept) - made:
        (kept / name).unlink()
    for name in sorted(made):
        source, target = fresh / name, kept / name
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for folder in sorted((path for path in kept.rglob("*") if path.is_dir()), reverse=True):
        if folder.name == "__pycache__" and not any(folder.parent.glob("*.py")):
            shutil.rmtree(folder)
        elif not any(folder.iterdir()):
            folder.rmdir()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare instead of writing")
    mode.add_argument("--image", type=Path, metavar="FILE", help="write a descriptor set only")
    mode.add_argument("--baseline", action="store_true", help="rewrite protos/baseline.binpb")
    options = parser.parse_args()

    if options.image is not None:
        write_image(options.image, comments=True)
        return 0
    if options.baseline:
        write_image(BASELINE, comments=False)
        return 0
    with tempfile.TemporaryDirectory(prefix="kaiwa-generate-") as folder:
        fresh = Path(folder)
        generate(fresh)
        if not options.check:
            install(fresh, GENERATED)
            return 0
        found = differences(fresh, GENERATED)
    if found:
        sys.stderr.write("generated/ is not what protos/ gives; run `make generate`:\n")
        sys.stderr.writelines(f"  {line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
