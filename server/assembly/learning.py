"""LearningService put together."""

from __future__ import annotations

from kaiwa.learning.v1 import learning_service_pb2_grpc as learning_rpc
from server.assembly.shared import Shared
from server.rpc.server import Service


def learning(shared: Shared) -> Service:
    """LearningService: in the contract, and answered by later versions; the edge says so for each of its methods."""
    return Service(
        "kaiwa.learning.v1.LearningService",
        learning_rpc.add_LearningServiceServicer_to_server,
        learning_rpc.LearningServiceServicer(),
    )
