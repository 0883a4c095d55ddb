"""A small corpus of real and narrated videos, made from what the packages of the extra `demo` ship."""

from __future__ import annotations

from orchestration.demo_corpus.making import demo_file_names, make_demo_corpus
from orchestration.demo_corpus.questions import DEMO_QUESTIONS

__all__ = ["DEMO_QUESTIONS", "demo_file_names", "make_demo_corpus"]
