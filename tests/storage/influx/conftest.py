"""The fixtures of copying, for every test here that asks for them."""

from tests.storage.influx.copied import copied, store  # noqa: F401
