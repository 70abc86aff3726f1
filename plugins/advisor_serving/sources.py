"""Where the rules and the default figures come from."""

from __future__ import annotations

from datetime import date

from advisor.devices import Source


def _source(title: str, url: str, day: str) -> Source:
    return Source(title=title, url=url, date=date.fromisoformat(day))


LEVIATHAN = _source("Leviathan et al., Fast Inference from Transformers via Speculative Decoding, table 2",
                    "https://arxiv.org/abs/2211.17192", "2023-05-18")  # fmt: skip
DEEPSEEK_V3 = _source("DeepSeek-V3 Technical Report, section 5.4.3: the second token is accepted in 85 to 90 %",
                      "https://arxiv.org/abs/2412.19437", "2024-12-27")  # fmt: skip
EAGLE = _source("Li et al., EAGLE: Speculative Sampling Requires Rethinking Feature Uncertainty: 0.8 are accepted",
                "https://arxiv.org/abs/2401.15077", "2024-01-26")  # fmt: skip
DISTSERVE = _source("Zhong et al., DistServe: Disaggregating Prefill and Decoding for Goodput-optimized Serving",
                    "https://arxiv.org/abs/2401.09670", "2024-01-18")  # fmt: skip
SPLITWISE = _source("Patel et al., Splitwise: Efficient Generative LLM Inference Using Phase Splitting",
                    "https://arxiv.org/abs/2311.18677", "2023-11-30")  # fmt: skip
SARATHI = _source("Agrawal et al., Taming Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve",
                  "https://arxiv.org/abs/2403.02310", "2024-03-04")  # fmt: skip
SGLANG = _source("Zheng et al., SGLang: Efficient Execution of Structured Language Model Programs (RadixAttention)",
                 "https://arxiv.org/abs/2312.07104", "2023-12-12")  # fmt: skip
STREAMING = _source("Xiao et al., Efficient Streaming Language Models with Attention Sinks",
                    "https://arxiv.org/abs/2309.17453", "2023-09-29")  # fmt: skip
H2O = _source("Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models",
              "https://arxiv.org/abs/2306.14048", "2023-06-24")  # fmt: skip
FLEXGEN = _source("Sheng et al., FlexGen: High-Throughput Generative Inference of LLMs with a Single GPU",
                  "https://arxiv.org/abs/2303.06865", "2023-03-13")  # fmt: skip
PCIE = _source("PCI-SIG, PCI Express 4.0: 31.5 GB/s a direction over 16 lanes; long copies reach about 25 GB/s",
               "https://pcisig.com/specifications", "2017-10-05")  # fmt: skip
NVME = _source("Samsung 980 PRO data sheet: 7,000 MB/s of sequential reads over PCIe 4.0 x4",
               "https://semiconductor.samsung.com/consumer-storage/internal-ssd/980pro/", "2020-09-22")  # fmt: skip
