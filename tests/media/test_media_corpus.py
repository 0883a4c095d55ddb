"""Real odd files: each gives a result or a reason."""

from __future__ import annotations

from pathlib import Path

from media.errors import TruncatedVideo, UnreadableVideo
from media.limits import DecodeLimits
from media.shots import DecodedVideo
from media.spec import SegmenterSpec
from media.workers import MediaWorkers
from tests.media.test_shots import demand_partition

UNREADABLE = {
    "made_missing_moov.mp4",
    "real_exiv2_fuzz_issue_ghsa_fgw8_p7pr_37cp_poc.mov",
    "real_mp4parse_amr_nb_1f.3gp",
    "real_mp4parse_test_case_1185230.mp4",
    "real_pxt_bad_video_20bytes.mp4",
}
TRUNCATED = {"made_truncated_faststart.mp4"}


def test_every_odd_file_gives_a_result_or_a_reason(corpus: Path) -> None:
    with MediaWorkers(2, DecodeLimits(stall_timeout_s=30)) as workers:
        results = dict(workers.decode_all(sorted((corpus / "odd").iterdir()), SegmenterSpec()))
    for result in results.values():
        if isinstance(result, DecodedVideo):
            demand_partition(result)
    assert {path.name for path, result in results.items() if isinstance(result, UnreadableVideo)} == UNREADABLE
    assert {path.name for path, result in results.items() if isinstance(result, TruncatedVideo)} == TRUNCATED
    failed = {path.name for path, result in results.items() if not isinstance(result, DecodedVideo)}
    assert failed == UNREADABLE | TRUNCATED
