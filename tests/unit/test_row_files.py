"""Rows as files: what spreadsheets make of them, what a file would change, and the statements for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.camera.camera import COLUMNS, RowReader
from restream.domain.camera.row_changes import Effect, RowChange, RowTable
from restream.domain.camera.urls import CameraTypes
from restream.interfaces.rows.csv_file import RowsFileError, read_rows, rows_csv
from restream.interfaces.rows.statements import change_statements, row_statements, script, table_of

TYPES = CameraTypes.parse({"default": "rtsp://{login}:{password}@{link}:554/{channel}"})
READER = RowReader(TYPES)
PRESENT: list[dict[str, Any]] = [
    {
        "id": 7,
        "name": "Gate",
        "site": "North",
        "enabled": True,
        "camera_type": "DAHUA",
        "link": "192.0.2.7",
        "login": "admin",
        "password": "sEcret:1",
        "channel": 1,
        "rtsp_url": None,
        "options": '{"priority": 3}',
    },
    {
        "id": 8,
        "name": "=Yard",
        "site": None,
        "enabled": False,
        "camera_type": None,
        "link": None,
        "login": None,
        "password": "-dash",
        "channel": None,
        "rtsp_url": "rtsp://u:hid-den@192.0.2.8/x",
        "options": None,
    },
]
TABLE = RowTable(READER, PRESENT)


def changes(text: str | bytes, table: RowTable = TABLE) -> tuple[RowChange, ...]:
    body = text.encode() if isinstance(text, str) else text
    return table.compare(read_rows(body, table.reader.columns))


def told(text: str | bytes, table: RowTable = TABLE) -> list[tuple[str, str, int | None]]:
    return [(each.effect, each.id, each.line) for each in changes(text, table)]


@pytest.mark.parametrize("with_passwords", [False, True])
def test_what_was_exported_changes_nothing(with_passwords: bool) -> None:
    body = rows_csv(TABLE, with_passwords=with_passwords)
    assert told(body) == [("unchanged", "7", 2), ("unchanged", "8", 3)]
    assert (b"sEcret" in body, b"hid-den" in body) == (with_passwords, with_passwords)
    assert b"'=Yard" in body


@pytest.mark.parametrize(
    "again",
    [
        lambda body: body.replace(b",", b";"),
        lambda body: b"\xef\xbb\xbfsep=;\r\n" + body.removeprefix(b"\xef\xbb\xbf").replace(b",", b";"),
        lambda body: body.replace(b",", b"\t").replace(b"\r\n", b"\n"),
        lambda body: body.replace(b"\r\n", b"\r"),
        lambda body: body + b",,,,,,,,,,\r\n\r\n",
        lambda body: body.replace(b'"{""priority"": 3}"', b'"{\r\n  ""priority"": 3\r\n}"'),
        lambda body: body.replace(b"true", b"TRUE").replace(b"false", b"FALSE").replace(b",1,", b",1.0,"),
    ],
)
def test_what_spreadsheets_write_is_read(again: Any) -> None:
    body = again(rows_csv(TABLE))
    assert [effect for effect, _, _ in told(body)] == ["unchanged", "unchanged"], body


def test_each_row_tells_what_becomes_of_it_and_on_which_line_it_stands() -> None:
    text = (
        "id,name,link,login,password,channel,options\n"
        "7,Gate,192.0.2.70,admin,new-secret,1,\n"
        '9,"New\n one",192.0.2.9,admin,pw,,\n'
        "10,New,192.0.2.10,admin,pw,,\n"
        "11,Bad,,,,,\n"
        "12,Bad,192.0.2.12,admin,pw,one,\n"
        '13,Bad,192.0.2.13,admin,pw,,"{""path"": ""cam10""}"\n'
        '14,Bad,192.0.2.14,admin,pw,,"{""colour"": 1}"\n'
        "10,Again,192.0.2.10,admin,pw,,\n"
        "15,Short\n"
        ",No id,192.0.2.1,,,,\n"
        "16,Masked,192.0.2.16,admin,***,,\n"
    )
    found = changes(text)
    assert [(each.effect, each.id, each.line) for each in found] == [
        ("changed", "7", 2),
        ("refused", "9", 3),
        ("new", "10", 5),
        *(("refused", each, line) for line, each in enumerate(("11", "12", "13", "14", "10", "15", "", "16"), 6)),
        ("missing", "8", None),
    ]
    problems = [each.problem for each in found if each.effect is Effect.REFUSED]
    for problem, word in zip(
        problems,
        [
            *("name: contains", "link: is empty", "channel: expected a whole", "path: 'cam10' already"),
            *("options: 'colour'", "id: '10' stands in line 5", "it has 2 cells, and 7", "id: is empty"),
            "password: *** stands",
        ],
        strict=True,
    ):
        assert problem.startswith(word), problem
    assert [(each.column, each.old, each.new) for each in found[0].cells] == [
        ("link", "192.0.2.7", "192.0.2.70"),
        ("password", "***", "***"),
        ("options", '{"priority": 3}', ""),
    ]
    assert not any("new-secret" in repr(each) for each in found)


def test_columns_that_a_file_does_not_have_stay_as_they_are() -> None:
    (change,) = [each for each in changes("id,name\r\n7,Door\r\n") if each.effect is not Effect.MISSING]
    assert change.written == {"name": "Door"}
    assert list(change_statements([change], "cameras", {})) == [
        """UPDATE cameras SET "name" = 'Door' WHERE "id" = '7';"""
    ]


def test_a_path_may_go_from_one_row_to_another() -> None:
    text = 'id,options\n7,"{""path"": ""cam8""}"\n8,"{""path"": ""cam7""}"\n'
    assert [effect for effect, _, _ in told(text)] == ["changed", "changed"]


def test_the_tables_own_names_and_types_are_known() -> None:
    reader = RowReader(TYPES, columns={"id": "CamNo", "link": "ip", "enabled": "Active"})
    table = RowTable(reader, [{"CamNo": "a1", "ip": "192.0.2.1", "Active": 1, "extra": None}])
    assert table.columns == ("id", "link", "enabled")
    found = changes("camno;IP;enabled;\na1;192.0.2.1;no;\na2;192.0.2.2;;\na1' --;192.0.2.3;true;\n", table)
    assert list(change_statements(found, '"My cams"', reader.columns)) == [
        """UPDATE "My cams" SET "Active" = '0' WHERE "CamNo" = 'a1';""",
        """INSERT INTO "My cams" ("CamNo", "ip", "Active") VALUES ('a2', '192.0.2.2', '1');""",
    ]
    assert found[2].problem.startswith("id: ") and found[2].effect is Effect.REFUSED
    (refused, *_) = changes("id,link,site\na1,192.0.2.1,North\n", table)
    assert refused.problem == "site: the table has no such column"


def test_rows_that_are_not_in_the_file_go_only_where_that_is_wanted() -> None:
    found = changes("id\n7\n")
    assert list(change_statements(found, "cameras", {})) == []
    assert list(change_statements(found, "cameras", {}, delete_missing=True)) == [
        """DELETE FROM cameras WHERE "id" = '8';"""
    ]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "is empty"),
        (b"\xff\xfei\0d\0", "UTF-16"),
        (b"id,name\n1,x\n2,M\xfcller\n", "line 3 is not UTF-8 (Latin-1, perhaps)"),
        (b"id,pasword\n", "line 1: there is no column 'pasword'"),
        (b"name\nx\n", "the column 'id' is missing"),
        (b"id,id\n", "'id' stands there twice"),
        (b'id,name\n1,x\n2,"x\n3,y\n', 'line 3: a quote (") opens'),
        (b'id,name\n1,"x"y\n', 'line 2: a quote (") ends'),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(body: bytes, word: str) -> None:
    with pytest.raises(RowsFileError) as raised:
        read_rows(body, {})
    assert word in str(raised.value) and str(raised.value).isprintable()


def test_an_encoding_is_taken_by_its_name() -> None:
    (row,) = read_rows("id,name\n1,Müller\n".encode("latin-1"), {}, encoding="latin-1")
    assert row.cells["name"] == "Müller"
    with pytest.raises(RowsFileError, match="no encoding 'klingon'"):
        read_rows(b"id\n1\n", {}, encoding="klingon")


@pytest.mark.parametrize(
    ("query", "named", "table"),
    [
        (None, None, "cameras"),
        (None, "video.cams", "video.cams"),
        ("SELECT * FROM video.cams WHERE active ORDER BY id", None, "video.cams"),
        ("select a as id\nfrom Cams;", None, "Cams"),
        ("SELECT * FROM a JOIN b USING (id)", None, ValueError),
        ("SELECT * FROM (SELECT 1) x", None, ValueError),
        ("SELECT * FROM a UNION SELECT * FROM b", None, ValueError),
        (None, "cameras; DROP TABLE x", ValueError),
        (None, "", ValueError),
    ],
)
def test_the_table_that_is_written_to(query: str | None, named: str | None, table: Any) -> None:
    if table is ValueError:
        with pytest.raises(ValueError, match="name"):
            table_of(query, named)
    else:
        assert table_of(query, named) == table


def test_rows_as_statements_hold_no_secret_unless_asked() -> None:
    masked = script(row_statements(TABLE, "cameras"))
    assert masked.startswith("BEGIN;\nSET LOCAL standard_conforming_strings = on;\n") and masked.endswith("COMMIT;\n")
    assert not any(secret in masked for secret in ("sEcret", "hid-den", "-dash", '"password"'))
    clear = script(row_statements(TABLE, "cameras", with_passwords=True))
    assert all(secret in clear for secret in ("'sEcret:1'", "hid-den", "'-dash'"))


@given(st.lists(st.fixed_dictionaries({each: st.text(max_size=12) for each in COLUMNS}), max_size=4))
def test_every_text_comes_back_from_the_file(rows: list[dict[str, str]]) -> None:
    clean = [{key: text.replace("\0", "") for key, text in row.items()} for row in rows]
    clean = [{key: text.encode("utf-8", "replace").decode() for key, text in row.items()} for row in clean]
    body = rows_csv(RowTable(READER, clean), with_passwords=True)
    back = read_rows(body, {})
    assert [dict(each.cells) for each in back] == [row for row in clean if any(map(str.strip, row.values()))]
