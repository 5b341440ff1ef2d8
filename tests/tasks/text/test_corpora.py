"""Documents are read from every kind of file, deduplicated and split."""

import gzip
import json
import platform

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adaptive_diffusion.tasks.text.collection import Collection, deduplicated, shared, split_of_groups
from adaptive_diffusion.tasks.text.corpora import (
    Document,
    HuggingFaceDataset,
    JsonLines,
    ParquetColumn,
    StandardLibrary,
    TextFiles,
    TextLines,
    corpus_at,
)

TEXTS = [f"text number {number}\n" for number in range(60)]


def texts(corpus):
    return [document.text.decode() for document in corpus.documents()]


@pytest.fixture
def files(tmp_path):
    """The same texts in every form."""
    for number, text in enumerate(TEXTS):
        (tmp_path / f"{number:02d}.txt").write_text(text)
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    pq.write_table(pa.table({"text": TEXTS, "more": TEXTS}), tmp_path / "texts.parquet")
    return tmp_path


def test_every_form_gives_the_same_texts(files):
    assert texts(TextFiles([str(files)])) == TEXTS
    assert texts(JsonLines(str(files / "texts.jsonl"))) == TEXTS
    assert texts(ParquetColumn(str(files / "texts.parquet"))) == TEXTS


@pytest.mark.parametrize(
    ("corpus", "sentence"),
    [
        (TextFiles(["missing"]), "missing is not there"),
        (JsonLines("missing"), "missing is no file"),
        (ParquetColumn("missing"), "missing is no file"),
    ],
)
def test_a_file_that_is_missing_is_named(corpus, sentence):
    with pytest.raises(ValueError, match=sentence):
        texts(corpus)


@pytest.mark.parametrize("line", ['{"txt": "a"}', "[1]", "{", '{"text": 3}', "[" * 100_000])
def test_a_bad_line_is_named_by_its_number(tmp_path, line):
    (tmp_path / "bad.jsonl").write_text('{"text": "fine"}\n\n' + line + "\n")
    with pytest.raises(ValueError, match="line 3, is no object with a text under 'text'"):
        texts(JsonLines(str(tmp_path / "bad.jsonl")))


def test_the_message_for_a_missing_parquet_column_lists_the_columns(files):
    with pytest.raises(ValueError, match="no column 'body'; it has text, more"):
        texts(ParquetColumn(str(files / "texts.parquet"), "body"))
    (files / "no.parquet").write_text("nothing")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        texts(ParquetColumn(str(files / "no.parquet")))


def test_texts_that_differ_in_white_space_alone_count_as_one():
    made = [Document(name, text, name) for name, text in (("a", b"x  y\n"), ("b", b"x y"), ("c", b"x z"), ("d", b" "))]
    assert [document.name for document in deduplicated(made)] == ["a", "c"]


def test_a_group_lies_in_one_split_and_held_out_parts_have_their_share():
    made = [Document(f"{group}/{i}", b"x" * (100 + group), str(group)) for group in range(400) for i in range(3)]
    where = split_of_groups(made)
    sizes = {name: sum(len(each.text) for each in made if where[each.group] == name) for name in set(where.values())}
    total = sum(sizes.values())
    assert sizes["test"] / total == pytest.approx(0.05, abs=0.005)
    assert sizes["validation"] / total == pytest.approx(0.05, abs=0.005)


def test_a_large_group_is_for_training():
    made = [Document("large", b"x" * 10_000, "large"), *(Document(str(i), b"y" * 50, str(i)) for i in range(1000))]
    assert split_of_groups(made)["large"] == "train"


def test_a_held_out_document_that_stands_in_training_is_left_out(tmp_path):
    line = "document number {:02d} says something\n"
    for number in range(60):
        (tmp_path / f"{number:02d}.txt").write_text(line.format(number) + f"end {number:02d}")
    splits = Collection(TextFiles([str(tmp_path)])).splits
    held_out, *retained = splits["validation"]
    copied = splits["train"][0].text.splitlines(keepends=True)[0]
    (tmp_path / held_out.name.rsplit("/")[-1]).write_bytes(copied + held_out.text[-6:])
    assert Collection(TextFiles([str(tmp_path)])).splits["validation"] == tuple(retained)


def test_what_is_shared_is_a_share_of_long_lines():
    assert (
        shared(b"short\n   a line that is long enough\nanother line, long enough\n", {b"a line that is long enough"})
        == 0.5
    )
    assert shared(b"short\n", {b"short"}) == 0


def test_a_single_long_file_is_cut_into_pieces_that_make_it_up_again(tmp_path):
    text = "".join(f"this is line number {number} of a long file\n" for number in range(2000))
    (tmp_path / "one.txt").write_text(text)
    collection = Collection(TextFiles([str(tmp_path)]))
    assert 40 <= len(collection.everything) <= 70
    assert b"".join(document.text for document in collection.everything).decode() == text
    assert all(collection.splits.values())


def test_a_corpus_too_small_to_split_is_refused(tmp_path):
    (tmp_path / "one.txt").write_text("only this")
    with pytest.raises(ValueError, match="use more text"):
        Collection(TextFiles([str(tmp_path)])).splits  # noqa: B018


def test_the_hash_follows_the_texts(files):
    before = Collection(TextFiles([str(files)])).digest
    assert Collection(TextFiles([str(files)])).digest == before
    (files / "07.txt").write_text("another")
    assert Collection(TextFiles([str(files)])).digest != before


def test_the_standard_library_is_there_without_its_tests():
    names = [document.name for document in StandardLibrary().documents()]
    assert "argparse.py" in names
    assert "asyncio/tasks.py" in names
    assert not [name for name in names if {"test", "tests", "site-packages"} & set(name.split("/"))]
    assert StandardLibrary().facts() == {"corpus": "StandardLibrary", "python": platform.python_version()}


def test_path_of_a_corpus_decides_how_it_is_read(files):
    assert texts(corpus_at(str(files / "texts.jsonl"))) == TEXTS
    assert texts(corpus_at(str(files / "texts.parquet"))) == TEXTS
    assert texts(corpus_at(str(files / "07.txt"))) == [TEXTS[7]]


def test_folder_gives_every_text_file_that_is_not_hidden(tmp_path):
    for name, content in {
        "a.md": b"one",
        "code/b.py": b"two",
        "c.txt.gz": gzip.compress(b"three"),
        ".hidden": b"no",
        "picture.png": b"\x89PNG\0",
        "latin.txt": b"caf\xe9",
        "archive.zip": b"PK\x03\x04",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert texts(corpus_at(str(tmp_path))) == ["one", "three", "two"]
    assert texts(TextFiles([str(tmp_path)], [".py"])) == ["two"]
    with pytest.raises(ValueError, match="there is no file of .rst"):
        texts(TextFiles([str(tmp_path)], [".rst"]))


def test_each_line_is_a_document(tmp_path):
    (tmp_path / "lines.txt").write_bytes(b"CCO\r\n\n  \nc1ccccc1\n")
    found = list(TextLines([str(tmp_path / "lines.txt")]).documents())
    assert [document.text for document in found] == [b"CCO", b"c1ccccc1"]
    assert [document.name.rsplit(":")[-1] for document in found] == ["1", "4"]
    assert texts(corpus_at(str(tmp_path / "lines.txt"), lines=True)) == ["CCO", "c1ccccc1"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04", "is a zip archive, and not text"),
        (b"a\0b", "is not text: it holds bytes of 0"),
        (gzip.compress(b"text" * 99, mtime=0)[:-9], "the gzip data are damaged"),
    ],
)
def test_named_file_that_is_no_text_is_refused(tmp_path, content, sentence):
    (tmp_path / "named").write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        texts(corpus_at(str(tmp_path / "named")))


def test_row_of_a_table_without_a_text_is_named(tmp_path):
    pq.write_table(pa.table({"text": ["a", None]}), tmp_path / "texts.parquet")
    with pytest.raises(ValueError, match="row 1: the column 'text' holds None instead of a text"):
        texts(ParquetColumn(str(tmp_path / "texts.parquet")))


def test_hugging_face_data_set_gives_its_texts_and_names_bad_rows(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    (tmp_path / "train.jsonl").write_text('{"text": "a", "other": "b"}\n{"text": null, "other": "c"}\n')
    assert texts(HuggingFaceDataset(str(tmp_path), "other")) == ["b", "c"]
    with pytest.raises(ValueError, match="row 1: the column 'text' holds None instead of a text"):
        texts(HuggingFaceDataset(str(tmp_path)))
    with pytest.raises(ValueError, match="row 0: the column 'body' holds None .* the columns are text, other"):
        texts(HuggingFaceDataset(str(tmp_path), "body"))


def test_split_does_not_depend_on_where_the_corpus_lies(tmp_path):
    for place in ("here", "there/below"):
        (tmp_path / place).mkdir(parents=True)
        for number in range(40):
            (tmp_path / place / f"{number}.txt").write_text(f"document {number} " * 9)
    here, there = ([*TextFiles([str(tmp_path / place)]).documents()] for place in ("here", "there/below"))
    assert split_of_groups(here) == split_of_groups(there)
    assert {*split_of_groups(here)} == {f"{number}.txt" for number in range(40)}
