"""Camera URLs: the types in use, links of every shape, and passwords that never show."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from restream.domain.camera.secret import spellings
from restream.domain.camera.urls import (
    MAX_URL_LENGTH,
    CameraTypes,
    SourceFields,
    SourceUrl,
    UrlError,
    parse_source,
)

TYPES_FILE = Path(__file__).parents[2] / "etc" / "camera_types.yml"
TYPES = CameraTypes.parse(yaml.safe_load(TYPES_FILE.read_text(encoding="utf-8")))
HARD_PASSWORD = "@:/?#%&'ü"
HARD_ENCODED = "%40%3A%2F%3F%23%25%26%27%C3%BC"
# Columns of the database are text without control characters; the row reader has refused them before.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters="\x7f"), min_size=1, max_size=40
)


def source(camera_type: str = "HIKVISION", **columns: str) -> SourceUrl:
    fields = {"link": "10.0.0.7", "login": "admin", "password": "sEcret", **columns}
    return TYPES.source(SourceFields(camera_type=camera_type, **fields))


@pytest.mark.parametrize(
    ("camera_type", "channel", "expected"),
    [
        ("COMMON", "", "10.0.0.7:554/user=admin&password=sEcret&channel=0&stream=0.sdp?"),
        ("COMMON", "0", "10.0.0.7:554/user=admin&password=sEcret&channel=0&stream=0.sdp?"),
        ("COMMON", "5", "10.0.0.7:554/user=admin&password=sEcret&channel=5&stream=0.sdp?"),
        ("COMMON", "102", "10.0.0.7:554/user=admin&password=sEcret&channel=102&stream=0.sdp?"),
        ("DAHUA", "", "admin:sEcret@10.0.0.7:554/cam/realmonitor?channel=1&subtype=1"),
        ("DAHUA", "0", "admin:sEcret@10.0.0.7:554/cam/realmonitor?channel=1&subtype=0"),
        ("DAHUA", "5", "admin:sEcret@10.0.0.7:554/cam/realmonitor?channel=1&subtype=1"),
        ("DAHUA", "102", "admin:sEcret@10.0.0.7:554/cam/realmonitor?channel=1&subtype=1"),
        ("HIKVISION", "", "admin:sEcret@10.0.0.7:554/Streaming/Channels/101"),
        ("HIKVISION", "0", "admin:sEcret@10.0.0.7:554/Streaming/Channels/101"),
        ("HIKVISION", "5", "admin:sEcret@10.0.0.7:554/Streaming/Channels/5"),
        ("HIKVISION", "102", "admin:sEcret@10.0.0.7:554/Streaming/Channels/102"),
        ("HIKVISIONDS", "", "admin:sEcret@10.0.0.7:554/ISAPI/Streaming/Channels/101"),
        ("HIKVISIONDS", "0", "admin:sEcret@10.0.0.7:554/ISAPI/Streaming/Channels/101"),
        ("HIKVISIONDS", "5", "admin:sEcret@10.0.0.7:554/ISAPI/Streaming/Channels/5"),
        ("HIKVISIONDS", "102", "admin:sEcret@10.0.0.7:554/ISAPI/Streaming/Channels/102"),
        ("HIKVISIONCH1", "", "admin:sEcret@10.0.0.7:554/h264/ch1/main/av_stream"),
        ("HIKVISIONCH1", "102", "admin:sEcret@10.0.0.7:554/h264/ch1/main/av_stream"),
        ("TRASSIR", "", "10.0.0.7/admin/"),
        ("TRASSIR", "5", "10.0.0.7/admin/"),
        ("VEI", "", "admin:sEcret@10.0.0.7:554/video_1+audio_1.ini"),
        ("VEI", "0", "admin:sEcret@10.0.0.7:554/video_1+audio_1.ini"),
        ("VEI", "5", "10.0.0.7:554/adminsEcret/"),
        ("VEI", "102", "admin:sEcret@10.0.0.7:554/video_1+audio_1.ini"),
        ("", "0", "admin:sEcret@10.0.0.7:554/stream=0"),
        ("", "5", "admin:sEcret@10.0.0.7:554/stream=5"),
        ("SOMETHING NEW", "102", "admin:sEcret@10.0.0.7:554/stream=102"),
    ],
)
def test_types_in_use(camera_type: str, channel: str, expected: str) -> None:
    for spelling in (camera_type, camera_type.lower()):
        found = source(spelling, channel=channel)
        assert found.reveal() == f"rtsp://{expected}"
        assert found.host == "10.0.0.7"
        assert found.scheme == "rtsp"
        assert found.masked == f"rtsp://{expected}".replace("sEcret", "***")


@pytest.mark.parametrize("camera_type", [*TYPES.names, "ANY OTHER"])
@pytest.mark.parametrize("channel", ["", "5"])
def test_a_hard_password_survives_and_never_shows(camera_type: str, channel: str) -> None:
    found = source(camera_type, channel=channel, login="üser@home", password=HARD_PASSWORD)
    url = found.reveal()
    if camera_type == "TRASSIR":
        assert HARD_ENCODED not in url
    else:
        assert url.count(HARD_ENCODED) == 1
    assert urlsplit(url).hostname == "10.0.0.7"
    if "@" in url:
        assert unquote(urlsplit(url).password or "") == HARD_PASSWORD
        assert unquote(urlsplit(url).username or "") == "üser@home"
    for shown in (found.masked, str(found), repr(found)):
        assert not any(form in shown for form in spellings(HARD_PASSWORD))
    assert parse_source(url).reveal() == url


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("10.0.0.7", "admin:sEcret@10.0.0.7:554/stream=1"),
        ("10.0.0.7:8554", "admin:sEcret@10.0.0.7:8554/stream=1"),
        ("10.0.0.7/", "admin:sEcret@10.0.0.7:554/stream=1"),
        ("nvr-1.example.com", "admin:sEcret@nvr-1.example.com:554/stream=1"),
        ("[2001:db8::7]", "admin:sEcret@[2001:db8::7]:554/stream=1"),
        ("[2001:db8::7]:8554", "admin:sEcret@[2001:db8::7]:8554/stream=1"),
        # A link to the camera's page stands for its host; only an RTSP port means something here.
        ("http://10.0.0.7:8080/", "admin:sEcret@10.0.0.7:554/stream=1"),
        ("rtsp://10.0.0.7:8554", "admin:sEcret@10.0.0.7:8554/stream=1"),
        ("rtsp://10.0.0.7:8554/live/main", "admin:sEcret@10.0.0.7:8554/live/main"),
        ("rtsp://op:other@10.0.0.7/live/main", "op:other@10.0.0.7/live/main"),
        ("rtsp://op:other@10.0.0.7", "op:other@10.0.0.7"),
        ("rtsp://10.0.0.7?channel=2", "admin:sEcret@10.0.0.7?channel=2"),
    ],
)
def test_links(link: str, expected: str) -> None:
    assert source("ANY", link=link, channel="1").reveal() == f"rtsp://{expected}"


def test_a_port_of_the_link_replaces_the_default_everywhere() -> None:
    assert source("TRASSIR", link="10.0.0.7:8554").reveal() == "rtsp://10.0.0.7:8554/admin/"
    assert source("COMMON", link="10.0.0.7:8554").reveal().startswith("rtsp://10.0.0.7:8554/user=admin&")


def test_without_login_and_password_there_is_no_userinfo() -> None:
    found = source("HIKVISION", login="", password="")
    assert found.reveal() == found.masked == "rtsp://10.0.0.7:554/Streaming/Channels/101"


def test_an_empty_password_is_not_shown_as_a_hidden_one() -> None:
    assert source("HIKVISION", password="").masked == "rtsp://admin:@10.0.0.7:554/Streaming/Channels/101"


def test_rtsp_url_wins() -> None:
    found = source("HIKVISION", rtsp_url="rtsp://op:p%40ss@10.9.9.9:1554/x")
    assert found.reveal() == "rtsp://op:p%40ss@10.9.9.9:1554/x"
    assert found.masked == "rtsp://op:***@10.9.9.9:1554/x"
    assert (found.host, found.port) == ("10.9.9.9", 1554)
    assert "p@ss" in found.secrets


@pytest.mark.parametrize(
    ("pasted", "password"),
    [
        ("rtsp://admin:p@ss@10.0.0.7/x", "p@ss"),
        ("rtsp://admin:p:a:s@10.0.0.7/x", "p:a:s"),
        ("rtsp://admin:100%@10.0.0.7/x", "100%"),
        ("rtsp://admin:pa#ss@10.0.0.7/x", "pa#ss"),
        ("rtsp://admin:pa?ss@10.0.0.7/x", "pa?ss"),
        ("rtsp://admin:pässwort@10.0.0.7/x", "pässwort"),
    ],
)
def test_passwords_pasted_without_encoding(pasted: str, password: str) -> None:
    found = parse_source(pasted)
    assert found.host == "10.0.0.7"
    assert unquote(urlsplit(found.reveal()).password or "") == password
    assert found.masked == "rtsp://admin:***@10.0.0.7/x"


@pytest.mark.parametrize("password", ["plain", "a,b;c", "it's", "pa%26ss", 'quo"te'])
def test_a_password_among_the_parameters_of_a_pasted_url_is_hidden_entirely(password: str) -> None:
    found = parse_source(f"rtsp://10.0.0.7:554/user=admin&password={password}&channel=1&stream=0.sdp?")
    assert found.masked == "rtsp://10.0.0.7:554/user=admin&password=***&channel=1&stream=0.sdp?"


def test_a_host_is_compared_without_regard_to_case() -> None:
    assert parse_source("rtsp://NVR-1/x").host == "nvr-1"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "scheme 'file' is not one of"),
        ("concat:rtsp://a|b", "is no URL"),
        ("lavfi://testsrc", "scheme 'lavfi' is not one of"),
        ("rtsp:/10.0.0.7/x", "is no URL"),
        ("10.0.0.7", "is no URL"),
        ("rtsp:///x", "expected a host"),
        ("rtsp://a b/x", "expected a host"),
        ("rtsp://10.0.0.7:0/x", "port 0 is out of range"),
        ("rtsp://10.0.0.7:65536/x", "port 65536 is out of range"),
        ("rtsp://10.0.0.7:port/x", "expected a host"),
        ("rtsp://2001:db8::7/x", "expected a host"),
        ("rtsp://10.0.0.7/x\nfile '/etc/passwd'", "contains a control character"),
        ("rtsp://10.0.0.7/x\x00", "contains a control character"),
        ("rtsp://10.0.0.7/x\x7f", "contains a control character"),
        ("rtsp://10.0.0.7/" + "x" * MAX_URL_LENGTH, "longer than 2048 characters"),
        ("", "is no URL"),
    ],
)
def test_urls_that_are_refused(url: str, problem: str) -> None:
    with pytest.raises(UrlError, match=r"^rtsp_url: ") as caught:
        parse_source(url, column="rtsp_url")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "url", ["rtsp://admin:sEcret@ho st/x", "gopher://admin:sEcret@host/x", "rtsp://admin:sEcret@host:99999/"]
)
def test_a_refusal_never_repeats_the_value(url: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse_source(url)
    assert "sEcret" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"link": ""}, "link: is empty, and there is no rtsp_url"),
        ({"link": "a b"}, "link: expected a host, host:port or a URL"),
        ({"link": "10.0.0.7/live"}, "link: expected a host, host:port or a URL"),
        ({"link": "ftp://10.0.0.7/x"}, "link: scheme 'ftp' is not one of"),
        ({"link": "host:70000"}, "link: port 70000 is out of range"),
        ({"rtsp_url": "nonsense"}, "rtsp_url: is no URL"),
    ],
)
def test_rows_without_a_way_to_a_url(columns: dict[str, str], problem: str) -> None:
    with pytest.raises(UrlError) as caught:
        source(**columns)
    assert str(caught.value).startswith(problem)


def test_a_url_that_only_becomes_too_long_is_refused() -> None:
    with pytest.raises(UrlError, match="longer than"):
        source(password="ü" * 1000)
    with pytest.raises(UrlError, match="rtsp_url: longer than"):
        parse_source(f"rtsp://admin:{'ü' * 1000}@h/x", column="rtsp_url")


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (None, "expected a mapping"),
        ([], "expected a mapping"),
        ("text", "expected a mapping"),
        ({"types": [], "default": "x"}, "expected a mapping"),
        ({"types": {}}, "the key 'default' is missing"),
        ({"default": "x", "typo": {}}, "unknown key 'typo'"),
        ({"types": {"A": 5}, "default": "{link}"}, "types.A: expected a template"),
        ({"types": {"A": None}, "default": "{link}"}, "types.A: expected a template"),
        ({"types": {"A": []}, "default": "{link}"}, "types.A: is empty"),
        ({"types": {"A": {"when": {"channel": 1}}}, "default": "{link}"}, "types.A: expected a template"),
        ({"types": {"A": {"url": "{link}", "if": 1}}, "default": "{link}"}, "types.A: expected a template"),
        ({"types": {"A": {"url": "{link}", "when": []}}, "default": "{link}"}, None),
        ({"types": {"A": {"url": "{link}", "when": [1]}}, "default": "{link}"}, "types.A.when: expected columns"),
        ({"types": {"A": {"url": "{link}", "when": {"password": 1}}}, "default": "{link}"}, "types.A.when: expected"),
        ({"types": {"A": "{link}/{chanel}"}, "default": "{link}"}, "types.A: unknown field {chanel}"),
        ({"types": {"A": "{link"}, "default": "{link}"}, "types.A: unbalanced braces"),
        ({"types": {"A": "{{link}}"}, "default": "{link}"}, "types.A: unbalanced braces"),
        ({"default": "{link}/{id}"}, "default: unknown field {id}"),
        ({"default": "{link}"}, None),
    ],
)
def test_mistakes_in_templates(document: object, problem: str | None) -> None:
    if problem is None:
        assert isinstance(CameraTypes.parse(document), CameraTypes)
        return
    with pytest.raises(ValueError, match="^" + re.escape(problem)):
        CameraTypes.parse(document)


def test_a_new_type_needs_no_code() -> None:
    types = CameraTypes.parse(
        {
            "types": {"axis": {"url": "{login}:{password}@{link}:554/axis-media/media.amp?camera={channel|1}"}},
            "default": "{link}",
        }
    )
    fields = SourceFields(link="10.0.0.7", login="root", password="sEcret", camera_type="AXIS")
    assert types.source(fields).reveal() == "rtsp://root:sEcret@10.0.0.7:554/axis-media/media.amp?camera=1"


def test_a_type_without_a_template_for_the_row() -> None:
    types = CameraTypes.parse(
        {"types": {"VEI": [{"url": "{link}", "when": {"channel": 5}}]}, "default": "{link}/default"}
    )
    with pytest.raises(UrlError, match="camera_type: no template of type 'VEI'"):
        types.source(SourceFields(link="h", camera_type="VEI", channel="4"))


def test_a_template_may_use_another_scheme() -> None:
    types = CameraTypes.parse({"default": "http://{login}:{password}@{link}:80/video{channel}.mjpg"})
    found = types.source(SourceFields(link="h", login="a", password="sEcret", channel="3"))
    assert (found.reveal(), found.scheme) == ("http://a:sEcret@h:80/video3.mjpg", "http")


# -- properties --------------------------------------------------------------------------------------------------------


@given(login=TEXTS, password=TEXTS, other=TEXTS, camera_type=st.sampled_from([*TYPES.names, "OTHER"]))
@example(login="a", password="@", other="***", camera_type="COMMON")
@example(login="a", password="b", other="c", camera_type="VEI")
def test_what_is_shown_does_not_depend_on_the_password(login: str, password: str, other: str, camera_type: str) -> None:
    channel = "5" if camera_type == "VEI" else "1"
    first = source(camera_type, login=login, password=password, channel=channel)
    second = source(camera_type, login=login, password=other, channel=channel)
    assert (first.masked, str(first), repr(first)) == (second.masked, str(second), repr(second))


@given(login=TEXTS, password=TEXTS)
def test_any_login_and_password_can_be_read_back(login: str, password: str) -> None:
    found = source("HIKVISION", login=login, password=password)
    parts = urlsplit(found.reveal())
    assert unquote(parts.username or "") == login
    assert unquote(parts.password or "") == password
    assert (parts.hostname, parts.port, parts.path) == ("10.0.0.7", 554, "/Streaming/Channels/101")
    again = parse_source(found.reveal())
    assert (again.reveal(), again.host, again.port) == (found.reveal(), found.host, found.port)


@given(login=TEXTS, password=TEXTS)
def test_credentials_beside_a_link_that_is_a_url(login: str, password: str) -> None:
    found = source("ANY", link="rtsp://10.0.0.7:8554/live", login=login, password=password)
    parts = urlsplit(found.reveal())
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (login, password)
    other = source("ANY", link="rtsp://10.0.0.7:8554/live", login=login, password="another")
    assert found.masked == other.masked


@given(st.text(max_size=300))
def test_any_text_is_a_source_or_a_clean_refusal(text: str) -> None:
    try:
        found = parse_source(text)
    except UrlError:
        return
    assert not any(character < " " for character in found.reveal())


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:2024/s3cret@10.0.0.1/stream",
        "rtsp://admin:12?s3cret@10.0.0.1/stream",
        "rtsp://admin:12#s3cret@10.0.0.1/stream",
        "http://10.0.0.1/videostream.cgi?loginuse=admin&loginpas=s3cret",
        "rtsp://10.0.0.1/live?access_token=s3cret",
        "rtsp://10.0.0.1/live?auth=s3cret",
        "rtsp://10.0.0.1/live?usr=admin&psw=s3cret",
        "rtsp://10.0.0.1/live?user_password=s3cret",
        "rtsp://10.0.0.1/user=admin_password=s3cret_channel=1_stream=0.sdp",
        "rtsp://10.0.0.1/user=admin&password=ab/s3cret&channel=1",
    ],
)
def test_credentials_in_odd_places_are_masked_or_refused(url: str) -> None:
    try:
        shown = str(parse_source(url))
    except UrlError as error:
        shown = str(error)
    assert "s3cret" not in shown
