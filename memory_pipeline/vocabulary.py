"""Load the vocabulary file that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memory_pipeline.settings import contracts_folder

if TYPE_CHECKING:
    from memory_pipeline.analysis.members.vocabulary import Vocabulary
    from memory_pipeline.settings import Settings

VOCABULARY_FILE = "vocabulary.yaml"


def load_vocabulary(settings: Settings) -> Vocabulary:
    """Read the vocabulary that the settings name, by default the one that is shipped.

    Raises
    ------
    FileNotFoundError
        When `MEMORY_VOCABULARY` is not a file.
    ValueError
        When the file is not usable; the message names the file, the place and the remedy.
    """
    from memory_pipeline.analysis.members.vocabulary import Vocabulary, VocabularyError  # noqa: PLC0415 - keeps help quick
    from memory_pipeline.ingest.errors import MappingError  # noqa: PLC0415
    from memory_pipeline.ingest.yaml_files import read_yaml  # noqa: PLC0415

    file = settings.vocabulary or contracts_folder() / VOCABULARY_FILE
    if not file.is_file():
        raise FileNotFoundError(f"MEMORY_VOCABULARY is {file}, which is not a file; name a vocabulary file")
    try:
        return Vocabulary.from_dict(read_yaml(file))
    except MappingError as error:
        raise VocabularyError(str(error).removeprefix("mapping ")) from error
    except VocabularyError as error:
        raise VocabularyError(f"{file}: {error}") from error
