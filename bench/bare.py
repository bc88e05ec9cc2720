"""A bare grpc.aio method that runs one prepared SELECT: what no service of ours can be faster than.

    python -m bench.bare DSN

It prints its port. The method takes a user's id and answers with the columns of one of their cards.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
from psycopg_pool import AsyncConnectionPool

METHOD = "/bench.Bare/Select"
_QUERY = "SELECT id, state, due_day, stability FROM cards WHERE user_id = %s ORDER BY new_position, id LIMIT 1"


async def main() -> None:
    """Serves until it is killed."""
    async with AsyncConnectionPool(
        sys.argv[1], min_size=8, max_size=20, kwargs={"autocommit": True, "prepare_threshold": 0}, open=False
    ) as pool:

        async def select(request: bytes, context: object) -> bytes:
            async with pool.connection() as connection:
                row = await (await connection.execute(_QUERY, [request.decode()])).fetchone()
            return repr(row).encode()

        server = grpc.aio.server()
        service, method = METHOD.strip("/").split("/")
        handlers: dict[str, Any] = {method: grpc.unary_unary_rpc_method_handler(select)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        print(server.add_insecure_port("127.0.0.1:0"), flush=True)
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
