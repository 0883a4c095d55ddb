"""What the narrated videos show and say. Every shot is one picture and the words spoken over it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera looks: a centre as fractions of the picture's frame, and how far it has zoomed in (≥ 1)."""

    x: float = 0.5
    y: float = 0.5
    zoom: float = 1.0


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of scikit-image, the camera's way over it, and what the voice says meanwhile."""

    picture: str
    says: str
    start: View = View()
    end: View = View(zoom=1.15)


@dataclass(frozen=True, slots=True)
class NarratedVideo:
    """A video of one or more shots, with a hard cut between them."""

    file_name: str
    shots: tuple[Shot, ...]


NARRATED_VIDEOS: tuple[NarratedVideo, ...] = (
    NarratedVideo(
        "coffee.mp4",
        (
            Shot("coffee.png", "A small espresso waits in a red cup on a wooden table."),
            Shot(
                "coffee.png",
                "Caffeine keeps us awake because it blocks adenosine, the molecule that tells a tired brain to sleep.",
                start=View(0.5, 0.3, 2.4),
                end=View(0.55, 0.5, 2.0),
            ),
        ),
    ),
    NarratedVideo(
        "astronaut.mp4",
        (
            Shot(
                "astronaut.png",
                "Eileen Collins wears the orange suit of the shuttle crews.",
                start=View(0.5, 0.35, 1.6),
                end=View(0.5, 0.4, 1.2),
            ),
            Shot(
                "astronaut.png",
                "In nineteen ninety nine she became the first woman to command a space shuttle. "
                "Her crew put an X-ray telescope into orbit.",
                start=View(0.64, 0.25, 2.4),
                end=View(0.64, 0.65, 2.2),
            ),
        ),
    ),
    NarratedVideo(
        "cat.mp4",
        (
            Shot("chelsea.png", "Chelsea has green eyes, long whiskers and striped ginger fur."),
            Shot(
                "chelsea.png",
                "Cats cannot taste sugar. The gene for sweetness is broken in the whole family, from the tiger down.",
                start=View(0.4, 0.4, 2.4),
                end=View(0.6, 0.6, 2.2),
            ),
        ),
    ),
    NarratedVideo(
        "rocket.mp4",
        (
            Shot("rocket.jpg", "A rocket stands on its launch pad at dusk.", end=View(0.5, 0.4, 1.5)),
            Shot(
                "rocket.jpg",
                "Its satellite will go a million miles from home, to watch for storms in the solar wind.",
                start=View(0.5, 0.75, 2.2),
                end=View(0.5, 0.35, 2.2),
            ),
            Shot(
                "moon.png",
                "The moon is four times closer, and drifts away by an inch and a half every year.",
                start=View(0.4, 0.3, 1.8),
                end=View(0.6, 0.6, 1.4),
            ),
        ),
    ),
    NarratedVideo(
        "motorcycle.mp4",
        (
            Shot("motorcycle_left.png", "A red motorcycle is parked in a garage, in front of shelves full of boxes."),
            Shot(
                "motorcycle_right.png",
                "Two cameras looked at it side by side, like a pair of eyes. "
                "From the difference a computer can tell how far away everything is.",
                start=View(0.35, 0.6, 2.4),
                end=View(0.65, 0.6, 2.0),
            ),
        ),
    ),
    NarratedVideo(
        "horse.mp4",
        (
            Shot("horse.png", "The black shape of a horse. It can sleep standing up, because its legs lock in place."),
            Shot(
                "grass.png",
                "To live on grass, it has to graze for most of the day and part of the night.",
                start=View(0.4, 0.4, 2.0),
                end=View(0.6, 0.5, 2.0),
            ),
        ),
    ),
    NarratedVideo(
        "galaxies.mp4",
        (
            Shot(
                "hubble_deep_field.jpg",
                "The Hubble telescope stared at one tiny patch of dark sky for three weeks in all.",
                start=View(0.4, 0.5, 1.3),
                end=View(0.5, 0.5, 1.0),
            ),
            Shot(
                "hubble_deep_field.jpg",
                "It found more than five thousand galaxies there, some of them almost as old as the universe.",
                start=View(0.6, 0.7, 3.0),
                end=View(0.45, 0.6, 2.4),
            ),
        ),
    ),
    NarratedVideo(
        "eye.mp4",
        (
            Shot("retina.jpg", "This is the back of a human eye.", start=View(zoom=1.2), end=View()),
            Shot(
                "retina.jpg",
                "The bright disc, where the nerve goes out, is blind, and the brain paints over the hole.",
                start=View(0.36, 0.5, 3.2),
                end=View(0.42, 0.5, 2.0),
            ),
        ),
    ),
    NarratedVideo(
        "photographer.mp4",
        (
            Shot("camera.png", "A man in a dark coat bends over a camera on a tripod.", end=View(0.5, 0.4, 1.3)),
            Shot(
                "camera.png",
                "The first person ever photographed was having his boots polished, and so stood still for long enough.",
                start=View(0.55, 0.25, 2.6),
                end=View(0.5, 0.3, 2.0),
            ),
        ),
    ),
)
