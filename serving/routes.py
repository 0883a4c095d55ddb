"""The addresses of the API and of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse

from lake.releases import Releases
from lake.schema import SEGMENTS, VIDEOS
from lake.store import Lake
from retrieval import Index
from serving.answers import Answers, ReleaseTold, answers_of
from serving.media import file_of, media_type, picture_of
from serving.questions import Asked, Like, Narrowed

PAGE = Path(__file__).parent / "page"
PAGE_FILES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
MOST_PICTURE_BYTES = 20 * 2**20


def search_routes(index: Index) -> APIRouter:
    """Questions and their answers."""
    routes = APIRouter()

    @routes.get("/api/search")
    def search(asked: Annotated[Asked, Query()]) -> Answers:
        """Segments that answer a question, the best of each video."""
        found = index.search(
            asked.q, limit=asked.limit, filters=asked.filters(), group_by_video=not asked.every_segment
        )
        return answers_of(found, index.language)

    @routes.get("/api/similar")
    def similar(like: Annotated[Like, Query()]) -> Answers:
        """Other videos that look like a segment."""
        return answers_of(index.similar(like.segment, limit=like.limit, filters=like.filters()), index.language)

    @routes.post("/api/similar", openapi_extra={"requestBody": {"content": {"image/*": {}}}})
    async def like_picture(request: Request, narrowed: Annotated[Narrowed, Query()]) -> Response:
        """Videos in which something looks like the picture that is the body."""
        picture = bytearray()
        async for part in request.stream():
            picture += part
            if len(picture) > MOST_PICTURE_BYTES:
                return JSONResponse({"error": "the picture is larger than 20 MB."}, status_code=413)
        found = await run_in_threadpool(
            index.like_picture, bytes(picture), limit=narrowed.limit, filters=narrowed.filters()
        )
        return JSONResponse(answers_of(found, index.language).model_dump(mode="json"))

    return routes


def lake_routes(lake: Lake) -> APIRouter:
    """What the lake holds: the release, pictures, videos."""
    routes = APIRouter()

    @routes.get("/api/release")
    def release() -> ReleaseTold:
        """The release that answers now."""
        live = Releases(lake).live()
        return ReleaseTold(
            release=live.release_id,
            made_at=live.created_at.isoformat(timespec="seconds"),
            reason=live.reason,
            spaces=dict(live.spaces),
            videos=lake.count(VIDEOS.name),
            segments=lake.count(SEGMENTS.name),
        )

    @routes.get("/api/segments/{segment_id}/picture", response_class=Response)
    def picture(segment_id: str) -> Response:
        """The picture of a segment, a JPEG."""
        # A segment's id names its content: its picture never changes.
        cached = {"Cache-Control": "private, max-age=86400"}
        return Response(picture_of(lake, segment_id), media_type="image/jpeg", headers=cached)

    @routes.get("/api/videos/{video_id}/media", response_class=FileResponse)
    def media(video_id: str) -> FileResponse:
        """The file of a video, or the part of it that is asked for."""
        place = file_of(lake, video_id)
        return FileResponse(place, media_type=media_type(place))

    return routes


def page_routes() -> APIRouter:
    """The page and its files."""
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "page.html", media_type="text/html; charset=utf-8")

    @routes.get("/{name}", include_in_schema=False)
    def part_of_page(name: str) -> Response:
        if name not in PAGE_FILES:
            return JSONResponse({"error": "there is nothing here."}, status_code=404)
        return FileResponse(PAGE / name, media_type=PAGE_FILES[name])

    return routes
