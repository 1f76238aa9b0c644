"""How many examples hypothesis tries: few in the quick profile, as many as a test names in the deep one."""

from __future__ import annotations

from hypothesis import settings

SHARE = 8

settings.register_profile("quick", deadline=None, max_examples=100 // SHARE)
settings.register_profile("deep", deadline=None, max_examples=100)


def examples(deep: int, **options) -> settings:
    """Settings of a test: ``deep`` examples, of which the quick profile tries one in eight but never less than five.

    ``python -m pytest --hypothesis-profile=deep`` tries them all.
    """
    share = settings.get_current_profile_name() == "deep"
    return settings(max_examples=deep if share else max(min(deep, 5), deep // SHARE), deadline=None, **options)
