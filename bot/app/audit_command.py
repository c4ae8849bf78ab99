"""`incident audit`: reads the audit chain from the store that the bot uses."""

from __future__ import annotations

from collections.abc import Sequence

from redis.exceptions import RedisError

from bot.config.settings import settings
from bot.domain.errors import ConfigError
from bot.domain.run import AuditEntry
from bot.state import embedded_valkey
from bot.state.store import RedisStore, connect


async def entries_and_fault() -> tuple[Sequence[AuditEntry], str | None]:
    """All entries, and what is wrong with the chain (None: nothing).

    Raises ConfigError when Redis does not answer.
    """
    config = settings()
    url = config.redis_url or embedded_valkey.start(config.state_dir)
    redis = connect(url)
    store = RedisStore(redis)
    try:
        return await store.audit(), await store.verify_audit()
    except (RedisError, OSError) as error:
        raise ConfigError(f"Redis does not answer: {error}") from error
    finally:
        await redis.aclose()
