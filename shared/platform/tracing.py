"""W3C trace context through HTTP, outbox and topics; spans leave the process only where an endpoint is set."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

_TRACER: Final = trace.get_tracer("enishi")
_MAX_LINKS: Final = 64  # causes named by one batch span


def configure(service: str, replica: str, endpoint: str | None, sample_ratio: float) -> None:
    """Install the tracer of this process."""
    resource = Resource.create({"service.name": service, "service.instance.id": replica})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(sample_ratio)))
    if endpoint:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


def carry() -> dict[str, str]:
    """The present trace context as headers, for an event that is caused now."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


@contextmanager
def serving(route: str, headers: Mapping[str, str]) -> Iterator[trace.Span]:
    """A span for one request, below the caller's if it sent one."""
    parent = propagate.extract(dict(headers))
    with _TRACER.start_as_current_span(route, context=parent, kind=trace.SpanKind.SERVER) as span:
        yield span


@contextmanager
def processing(group: str, causes: Iterable[Mapping[str, str]]) -> Iterator[trace.Span]:
    """A span for one batch. It is linked to what caused each record, since a batch has many parents."""
    seen = {cause["traceparent"]: cause for cause in causes if "traceparent" in cause}
    contexts = [trace.get_current_span(propagate.extract(cause)).get_span_context() for cause in seen.values()]
    links = [trace.Link(context) for context in contexts[:_MAX_LINKS] if context.is_valid]
    # A batch with one cause continues its trace, so that a single request can be followed to its last effect.
    parent = propagate.extract(next(iter(seen.values()))) if len(seen) == 1 else None
    with _TRACER.start_as_current_span(
        f"process {group}", context=parent, kind=trace.SpanKind.CONSUMER, links=links
    ) as span:
        yield span
