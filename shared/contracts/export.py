"""Write what others read: JSON Schemas, AsyncAPI, topics and ACLs. `python -m shared.contracts.export [--check]`.

Generated from the models and the catalogue, committed, and compared by tests: a contract changes in sight or not at all.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from shared.contracts.catalogue import SERVICES, TOPICS, Topic, dead_letter_topic, kafka_topics
from shared.contracts.envelope import CONTENT_TYPE

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent

_HEADERS: Final = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "The same on every delivery: drop what you have."},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "description": "/enishi/<service>"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_dataschema": {"type": "string"},
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "traceparent": {"type": "string", "description": "W3C trace context of what caused the event."},
    },
}


def schema(topic: Topic) -> dict[str, Any]:
    """JSON Schema 2020-12 of a payload, for readers: unknown fields are allowed, because optional ones get added."""
    generated = _opened(topic.model.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{file_name(topic)}",
        **generated,
        "description": topic.meaning,
    }


def _opened(node: Any) -> Any:
    """The same without `additionalProperties: false` and without generated titles, at any depth."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
        return {key: _opened(value) for key, value in kept.items() if key != "additionalProperties"}
    if isinstance(node, list):
        return [_opened(each) for each in node]
    return node


def file_name(topic: Topic) -> str:
    """`met.v1.json`."""
    return f"{topic.name}.v{topic.model.version}.json"


def asyncapi() -> dict[str, Any]:
    """One AsyncAPI 3.0 document for all services."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, topic in TOPICS.items():
        schemas[name] = _inlined(schema(topic))
        channels[name] = {
            "address": name,
            "description": topic.meaning,
            "messages": {
                topic.model.__name__: {
                    "name": topic.model.event_type(),
                    "title": topic.model.__name__,
                    "contentType": CONTENT_TYPE,
                    "headers": _HEADERS,
                    "payload": {"$ref": f"#/components/schemas/{name}"},
                    "bindings": {
                        "kafka": {"key": {"type": "string", "format": "uuid", "description": topic.model.key_field}}
                    },
                }
            },
            "x-restricted": topic.restricted,
            "x-kind": "state" if topic.state else "fact",
            "x-readers": list(topic.readers),
        }
        for action, services in (("send", topic.writers), ("receive", topic.readers)):
            for service in services:
                operations[f"{service}-{action}-{name}"] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Enishi topics",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": "CloudEvents 1.0 in Kafka's binary mode. Keys are ids. A null value on a state topic erases its key.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"schemas": schemas},
    }


def _inlined(document: dict[str, Any]) -> dict[str, Any]:
    """A schema without `$defs`: a reference inside an AsyncAPI document would point at the document's own root."""
    definitions = document.pop("$defs", {})
    document.pop("$schema"), document.pop("$id")

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) >= {"$ref"} and str(node["$ref"]).startswith("#/$defs/"):
                rest = {key: value for key, value in node.items() if key != "$ref"}
                return {**resolve(definitions[node["$ref"].removeprefix("#/$defs/")]), **rest}
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(each) for each in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(document)
    return resolved


def acls() -> dict[str, Any]:
    """Least rights of each service: what it writes, what it reads, and its consumer group."""
    rights: dict[str, Any] = {}
    for service in SERVICES:
        written = [name for name, topic in TOPICS.items() if service in topic.writers]
        read = [name for name, topic in TOPICS.items() if service in topic.readers]
        rights[service] = {
            "write": sorted([*written, *(dead_letter_topic(name, service) for name in read)]),
            "read": sorted(read),
            "groups": [service],
        }
    return rights


def files() -> dict[Path, str]:
    """Every generated file with its content."""
    topics = [{"name": each.name, "partitions": each.partitions, "config": each.config} for each in kafka_topics()]
    note = "# Generated by `python -m shared.contracts.export`; do not edit.\n"
    return {
        **{HERE / "schemas" / file_name(topic): _json(schema(topic)) for topic in TOPICS.values()},
        HERE / "asyncapi.json": _json(asyncapi()),
        ROOT / "deploy" / "kafka" / "topics.yaml": note + yaml.safe_dump({"topics": topics}, sort_keys=False),
        ROOT / "deploy" / "kafka" / "acls.yaml": note + yaml.safe_dump(acls(), sort_keys=False),
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """0: written, or up to date; 1: `--check` found a file that is not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    check = parser.parse_args().check
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
