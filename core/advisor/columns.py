"""The columns of the candidate table: the contract between techniques, backends and scorers.

A plugin that needs another column declares it in its own ``columns``; it is then there from the
start, filled with its default.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Stage = Literal["system", "workload", "choice", "estimate"]



class Column(Struct, frozen=True):
    """One named column: unit (``""`` for a plain number), numpy dtype, meaning, and first value.

    An ``interval`` column has two companions, ``NAME.low`` and ``NAME.high``. An estimate may serve an
    ``aspect`` (what a user optimizes) in some tasks, and be limited by a workload field.
    """

    name: str
    unit: str
    dtype: str
    doc: str
    default: float = 0.0
    stage: Stage = "choice"
    interval: bool = False
    direction: Literal["minimize", "maximize"] = "minimize"
    aspects: tuple[tuple[str, str], ...] = ()  # (task, aspect) pairs
    limited_by: str = ""


def _system(name: str, unit: str, dtype: str, doc: str, default: float = 0.0) -> Column:
    return Column(name, unit, dtype, doc, default, "system")


def _workload(name: str, unit: str, dtype: str, doc: str, default: float = 0.0) -> Column:
    return Column(name, unit, dtype, doc, default, "workload")


SYSTEM = (
    _system("system", "", "i4", "position of the system in the context"),
    _system("device", "", "i4", "position of the device in the context"),
    _system("offer", "", "i4", "position of the offer in the context; -1 where none is known", -1),
    _system("nodes", "", "i4", "systems that work together as one unit", 1),
    _system("device_count", "", "i4", "devices of one unit", 1),
    _system("units", "", "f8", "independent units that share the load", 1),
)

WORKLOAD = (
    _workload("input_tokens", "token", "f8", "tokens of a prompt"),
    _workload("output_tokens", "token", "f8", "tokens generated a request"),
    _workload("sequence_length", "token", "f8", "tokens a training sequence; 1 without a sequence axis", 1),
    _workload("batch", "", "f8", "requests or samples in flight in one replica (serve, batch)", 1),
    _workload("global_batch", "", "f8", "samples a training step over the whole unit", 1),
    _workload("micro_batch", "", "f8", "samples that a device works on at once in training", 1),
    _workload("framework", "", "i2", "position of the serving or training framework in the context"),
    _workload("static", "", "?", "one batch whose requests start and stay together: all prompts, then all decoding"),
    _workload("steady", "", "?", "requests arrive one by one, not all at the same instant", 1),
    _workload("burst_share", "", "f8", "share of the other requests' prefills that one waits for where a run starts "
              "with all of them at once; below 0 as usual for the framework", -1),
)

CHOICE = (
    Column("tensor_parallel", "", "i4", "devices that share each matrix product", 1),
    Column("pipeline_parallel", "", "i4", "stages that the layers are cut into", 1),
    Column("context_parallel", "", "i4", "devices that share each sequence", 1),
    Column("expert_parallel", "", "i4", "devices that the experts are spread over", 1),
    Column("data_parallel", "", "i4", "replicas within the unit", 1),
    Column("virtual_stages", "", "i4", "interleaved chunks a pipeline stage", 1),
    Column("shard_stage", "", "i1", "what replicas share in training: 0 nothing, 1 optimizer, 2 gradients, 3 weights"),
    Column("recompute", "", "i1", "activations computed again: 0 none, 1 attention alone, 2 whole layers"),
    Column("pipeline_schedule", "", "i1", "order of micro-batches: 0 one forward one backward, 1 all forward then all "
           "backward, 2 weight gradients fill the bubble"),
    Column("optimizer_offload", "", "f8", "share of optimizer state and gradients kept in host memory"),
    Column("weight_offload", "", "f8", "share of weights kept in host memory"),
    Column("activation_offload", "", "f8", "share of saved activations kept in host memory"),
    Column("adapter_inputs", "", "f8",
           "values of one unit that adapters keep of their inputs for backward, over all layers"),
    Column("adapter_pass_bytes", "B", "f8",
           "bytes that adapters make of their weights in each pass and keep for backward, whatever the batch"),
    Column("adapter_traffic_bytes", "B", "f8",
           "bytes that adapters move to make them and to find their gradients, for each micro-batch"),
    Column("virtual_tokens", "token", "f8", "trained tokens before each sequence"),
    Column("backward_share", "", "f8", "share of the blocks, from the output on, that backward goes through", 1),
    Column("saved_input_share", "", "f8", "share of the inputs of linear layers that backward needs", 1),
    Column("requantized", "", "?", "weights are stored in weight_format; else as the model file has them"),
    Column("weight_format", "", "i1", "code of the format of quantizable weights"),
    Column("weight_bits", "bit", "f8", "stored bits a quantizable weight, scales included", 16),
    Column("compute_format", "", "i1", "code of the format of matrix products"),
    Column("cache_format", "", "i1", "code of the format of the key-value cache"),
    Column("cache_bits", "bit", "f8", "stored bits a cached value", 16),
    Column("table_bits", "bit", "f8", "stored bits a value of embedding and output tables; 0 as in the model file"),
    Column("parameter_share", "", "f8", "share of quantizable weights kept in storage", 1),
    Column("block_share", "", "f8", "share of the model's blocks left, with their weights, work and cache", 1),
    Column("flops_share", "", "f8", "share of matrix work left", 1),
    Column("matrix_speedup", "", "f8", "rate of matrix products over the dense rate", 1),
    Column("adapter_parameters", "", "f8", "parameters added beside the frozen ones"),
    Column("trainable_share", "", "f8", "share of the model's own parameters that are trained", 1),
    Column("optimizer_bytes", "B", "f8", "optimizer state bytes a trained parameter, fp32 copy included", 12),
    Column("gradient_bytes", "B", "f8", "gradient bytes a trained parameter", 2),
    Column("prefill_share", "", "f8", "share of a prompt that is computed: the rest was in a cache of prefixes", 1),
    Column("prefill_chunk", "token", "f8", "tokens of a prompt that one step computes; 0 leaves it to the framework"),
    Column("prefill_replicas", "", "f8", "replicas that prefill for the others, which decode; 0 where all do both"),
    Column("verified_tokens", "", "f8", "tokens a sequence that a decode step computes, drafted ones included", 1),
    Column("accepted_tokens", "", "f8", "tokens a sequence that a decode step yields on average", 1),
    Column("draft_passes", "", "f8", "passes of the draft before a decode step"),
    Column("draft_share", "", "f8", "weights of the draft over those of the model"),
    Column("draft_depth", "", "f8", "layers of the draft over those of the model"),
    Column("cache_window", "token", "f8", "tokens of a sequence that the cache keeps; 0 for all"),
    Column("offloaded_share", "", "f8", "share of the weights that is outside the device's memory, read in each pass"),
    Column("offload_bandwidth", "B/s", "f8", "rate at which one device reads those", 1e9),
    Column("sample_gradient_bytes", "B", "f8",
           "bytes kept a trained parameter and sample of the micro-batch, where gradients of samples are formed"),
    Column("frameworks", "", "i8", "bits of the frameworks that run it, in the context's order; -1 where none is known",
           -1),
    Column("power_cap", "", "f8", "share of its board power that a device may draw", 1),
    Column("slowdown", "", "f8", "time of every step over what the backend estimates, by what slows all of it", 1),
    Column("slowdown_low", "", "f8", "low end of slowdown", 1),
    Column("slowdown_high", "", "f8", "high end of slowdown", 1),
    Column("quality", "", "f8", "share of the unchanged model's quality that is kept", 1, interval=True,
           direction="maximize", aspects=(("*", "quality"),), limited_by="min_quality"),
)  # fmt: skip


def _estimate(name: str, unit: str, doc: str, **more: object) -> Column:
    return Column(name, unit, "f8", doc, stage="estimate", interval=True, **more)  # type: ignore[arg-type]


def _part(name: str, unit: str, doc: str) -> Column:
    return Column(name, unit, "f8", doc, stage="estimate")


MEMORY_PARTS = (
    _part("memory_weights", "B", "weights on one device"),
    _part("memory_cache", "B", "key-value cache and recurrent state on one device"),
    _part("memory_activations", "B", "activations and workspace on one device"),
    _part("memory_gradients", "B", "gradients on one device"),
    _part("memory_optimizer", "B", "optimizer state on one device"),
    _part("memory_buffers", "B", "what training gathers, exchanges and works in for a while on one device"),
    _part("memory_overhead", "B", "runtime, graphs, buffers and fragmentation on one device"),
    _part("memory_context", "B", "driver context on one device, which a training framework does not report as its own"),
)

TIME_PARTS = (
    _part("time_compute", "s", "arithmetic of the characteristic step"),
    _part("time_memory", "s", "memory traffic of the step not hidden behind arithmetic"),
    _part("time_link", "s", "communication of the step not hidden"),
    _part("time_launch", "s", "kernel launches, synchronisation and bubbles of the step"),
    _part("time_host", "s", "host and framework work of the step"),
)

ESTIMATES = (
    _estimate("memory", "B", "memory used on one device, all parts"),
    _estimate("time_to_first_token", "s", "from request to first token; at a request rate the workload's percentile",
              limited_by="max_ttft"),
    _estimate("time_per_output_token", "s", "between tokens of one request; at a rate that percentile",
              limited_by="max_tpot"),
    _estimate("request_latency", "s", "from request to last token or answer; at a rate that percentile",
              limited_by="max_latency", aspects=(("serve", "latency"),)),
    _estimate("step_time", "s", "one training step, decode step, or batch"),
    _estimate("samples_per_s", "/s", "requests, rows or sequences a second, of one unit then of all units",
              direction="maximize", aspects=(("*", "throughput"),)),
    _estimate("run_time", "s", "from start to end of the whole job", limited_by="finish_in",
              aspects=(("train", "latency"), ("finetune", "latency"), ("batch", "latency"))),
    _estimate("power", "W", "mean power of the devices of one unit, then of all units", limited_by="power_budget"),
    _part("memory_host", "B", "what one device keeps in the memory of its host"),
    Column("goodput", "", "f8", "share of a run's time not lost to failures, restarts and checkpoints", 1.0,
           stage="estimate"),
    _part("flops_per_sample", "FLOP", "matrix work a sample, over all devices"),
    _part("load", "", "share of the capacity that the traffic uses"),
    *MEMORY_PARTS,
    *TIME_PARTS,
)  # fmt: skip

COLUMNS: tuple[Column, ...] = SYSTEM + WORKLOAD + CHOICE + ESTIMATES
