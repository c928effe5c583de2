"""What a node is told before it starts."""

from pathlib import Path

from deploy.local.kafka import Kafka


def test_a_folder_with_any_name_stays_out_of_the_properties(tmp_path: Path) -> None:
    kafka = Kafka(tmp_path / "縁 側, a", ports=[1, 2])
    properties = kafka._properties(kafka.nodes[0])
    assert "log.dirs=logs\n" in properties
    assert properties.isascii()


def test_three_nodes_wait_for_a_majority_and_all_vote() -> None:
    kafka = Kafka(Path("data"), brokers=3, ports=[1, 2, 3, 4, 5, 6])
    assert kafka.bootstrap_servers == "127.0.0.1:1,127.0.0.1:3,127.0.0.1:5"
    for node in kafka.nodes:
        lines = kafka._properties(node).splitlines()
        assert f"node.id={node.number}" in lines
        assert "min.insync.replicas=2" in lines
        assert "controller.quorum.voters=1@127.0.0.1:2,2@127.0.0.1:4,3@127.0.0.1:6" in lines
        assert "auto.create.topics.enable=false" in lines
