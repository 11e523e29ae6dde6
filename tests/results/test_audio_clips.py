import re

import pytest
from markdown_it import MarkdownIt

from sertools.errors import GateError
from sertools.report.render import fitting, render
from sertools.results import audio_clips
from sertools.results.audio_clips import Index, Recording, recordings_of
from sertools.results.result import Sound
from tests.helpers.pages import Page, read
from tests.helpers.report_results import HOSTILE, small_result

SOUND = Sound(
    clip="a b", condition="gain@drawn", target="arousal", truth=0.5, clean=0.25, changed=0.75,
    caption="arousal goes up.", speaker="s1", transcript="hello there",
)  # fmt: skip


def keep(folder, *recordings: Recording) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for take in recordings:
        for name in take.files:
            (folder / name).write_bytes(name.encode() * 10)
    (folder / "index.json").write_text(Index(recordings=list(recordings)).model_dump_json(by_alias=True))


def takes(clip: str = "a b", stem: str = "x") -> list[Recording]:
    return [
        Recording(audit="correctness", clip=clip, condition=condition, audio=f"{stem}-{i}.flac",
                  picture=f"{stem}-{i}.png", seconds=1.25, rate=16000)
        for i, condition in enumerate(["clean", "gain@drawn"])
    ]  # fmt: skip


def test_a_clip_is_heard_clean_and_changed_side_by_side(tmp_path):
    keep(tmp_path / "sounds", *takes())
    render([small_result(sounds=[SOUND])], tmp_path)
    page = read(tmp_path)
    players = [attributes for tag, attributes in page.elements if tag == "audio"]
    assert [player["aria-label"] for player in players] == ["a b, clean", "a b, gain@drawn"]
    assert all(player["src"].startswith("data:audio/flac;base64,") for player in players)
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert pictures[0]["alt"] == "Waveform and spectrogram of a b, clean: 1.2 s, up to 8 kHz."
    words = " ".join(page.text.split())
    assert (
        "speaker s1 arousal goes up. hello there clean · truth 0.50 · arousal 0.25 gain@drawn · arousal 0.75"
        in words
    )
    assert "contains voice recordings from voices (licence: Apache-2.0)" in words


def test_the_page_in_markdown_links_the_files(tmp_path):
    keep(tmp_path / "sounds", *takes())
    render([small_result(sounds=[SOUND])], tmp_path)
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\[play\]\((.*?)\)", page)
    assert links == ["sounds/x-0.flac", "sounds/x-1.flac"]
    assert all((tmp_path / link).is_file() for link in [*links, *re.findall(r"\((sounds/.*?png)\)", page)])


def test_a_report_elsewhere_takes_its_recordings_along(tmp_path):
    keep(tmp_path / "from" / "sounds", *takes())
    written = render([small_result(sounds=[SOUND])], tmp_path / "to", recordings=tmp_path / "from" / "sounds")
    assert tmp_path / "to" / "sounds" / "x-1.flac" in written
    assert (tmp_path / "to" / "sounds" / "x-1.flac").read_bytes() == b"x-1.flac" * 10


def test_results_without_recordings_show_none_and_say_so_once(tmp_path):
    render([small_result(sounds=[SOUND]), small_result(audit="b", sounds=[SOUND])], tmp_path)
    page = read(tmp_path)
    assert not [tag for tag, _ in page.elements if tag in {"audio", "img"}]
    assert page.text.count("these results have no recordings") == 1
    assert "Clips to listen to" not in page.text


def test_a_report_on_licensed_speech_says_why_it_has_no_recordings_and_which_option_embeds_them(tmp_path):
    data = {"name": "msp-podcast", "recordings": "must not be passed on"}
    asked = [small_result(sounds=[SOUND], data=data, provenance={"corpus_fingerprint": "ab"})]
    render(asked, tmp_path)
    for text in (read(tmp_path).text, (tmp_path / "report.md").read_text(encoding="utf-8")):
        assert text.count("because the licence of msp-podcast does not let them be passed on") == 1
        assert "audio 5" in text
    # a table of predictions has no audio, with or without the option
    unheard = [result.model_copy(update={"provenance": {}}) for result in asked]
    render(unheard, tmp_path)
    assert "these results have no recordings: precomputed predictions" in read(tmp_path).text


def test_results_that_name_no_clip_say_nothing_of_sound(tmp_path):
    render([small_result()], tmp_path)
    assert "no recordings" not in read(tmp_path).text


def test_recordings_of_another_audit_or_clip_or_only_half_a_pair_are_not_shown(tmp_path):
    clean, changed = takes()
    for others in (
        [clean],
        [changed],
        takes("other"),
        [t.model_copy(update={"audit": "x"}) for t in takes()],
    ):
        keep(tmp_path, *others)
        assert recordings_of([small_result(sounds=[SOUND])], tmp_path).n == 0


def test_a_clip_that_could_not_be_heard_shows_the_reason(tmp_path):
    clean, _ = takes()
    silent = Recording(audit="correctness", clip="a b", condition="gain@drawn", reason="too short")
    keep(tmp_path / "sounds", clean, silent)
    render([small_result(sounds=[SOUND])], tmp_path)
    assert "No recording: too short" in read(tmp_path).text


def test_recordings_stop_before_the_page_is_too_large_and_it_says_so(tmp_path):
    named = [SOUND.model_copy(update={"clip": clip}) for clip in "abcd"]
    keep(tmp_path, *(take for clip in "abcd" for take in takes(clip, clip)))
    results = [small_result(sounds=named, figures=[])]
    there = recordings_of(results, tmp_path)
    all_of_it = len(fitting(results, {}, there).encode())
    page = fitting(results, {}, there, most=all_of_it - 1)
    assert len(page.encode()) < all_of_it
    shown = [attributes for tag, attributes in Page(page).elements if tag == "audio"]
    assert 0 < len(shown) < 8
    left_out = 4 - len(shown) // 2
    assert f"{left_out} more clip" in Page(page).text
    nothing = Page(fitting(results, {}, there, most=0))
    assert "4 more clips would exceed the size limit of this page" in nothing.text
    assert not [tag for tag, _ in nothing.elements if tag == "audio"]


def test_the_first_clip_of_every_audit_comes_before_the_second_of_any(tmp_path):
    named = [SOUND.model_copy(update={"clip": clip}) for clip in "ab"]
    every = [take for clip in "ab" for take in takes(clip, clip)]
    keep(tmp_path, *every, *(take.model_copy(update={"audit": "fairness"}) for take in every))
    there = recordings_of(
        [small_result(sounds=named), small_result(audit="fairness", sounds=named)], tmp_path
    )
    size = sum(len(audio_clips.data_url(name, there.content[name])) for name in there.by_result[0][0].files)
    chosen = there.within(2 * size)
    assert {i: [each.sound.clip for each in row] for i, row in chosen.by_result.items()} == {
        0: ["a"],
        1: ["a"],
    }


def test_a_recording_that_is_gone_is_one_sentence(tmp_path):
    keep(tmp_path / "sounds", *takes())
    (tmp_path / "sounds" / "x-1.flac").unlink()
    with pytest.raises(GateError, match=r"cannot read .*x-1\.flac"):
        render([small_result(sounds=[SOUND])], tmp_path)


@pytest.mark.parametrize("text", [HOSTILE, "x" * 10_000, "</audio></style>", "]( <img onerror=x>"])
def test_hostile_names_and_transcripts_are_shown_literally(tmp_path, text):
    sound = Sound(
        clip=text, condition=text, target=text, truth=text, clean=text, changed=text, caption=text,
        speaker=text, transcript=text,
    )  # fmt: skip
    pair = [t.model_copy(update={"clip": text}) for t in takes()]
    keep(tmp_path / "sounds", pair[0], pair[1].model_copy(update={"condition": text}))
    render([small_result(sounds=[sound])], tmp_path)
    page = read(tmp_path)
    assert page.text.count(text.replace("\x1b", "␛")) >= 8
    tokens = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .parse((tmp_path / "report.md").read_text(encoding="utf-8"))
    )
    html = {c.content for t in tokens for c in t.children or [] if c.type == "html_inline"}
    assert html <= {"<br>"}
    links = [c.attrs["href"] for t in tokens for c in t.children or [] if c.type == "link_open"]
    assert [link for link in links if "sounds/" in link] == ["sounds/x-0.flac", "sounds/x-1.flac"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not a valid list of recordings: the file"),
        (b'{"schema": 2}', "is not a valid list of recordings: schema"),
        (b"\xff", "is not a valid list of recordings: it is not text"),
    ],
)
def test_a_list_of_recordings_that_cannot_be_read_is_one_sentence_with_a_way_out(tmp_path, content, said):
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(GateError, match=said) as error:
        audio_clips.read_index(tmp_path)
    assert "delete the folder" in error.value.hint
