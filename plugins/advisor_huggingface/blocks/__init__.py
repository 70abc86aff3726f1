"""The blocks that layers are made of, one kind a file.

``saved_elements`` follow Korthikanti et al. 2022 ("Reducing Activation Recomputation in Large
Transformer Models", section 4.1) for attention that is not materialised and without dropout: each
norm keeps its input, the q, k, v product and the first MLP product the normed input, attention q, k, v
and its output (the input of the output product, so counted once), the activation its inputs, the last
product its input. For GELU and full heads that is their 34 less 2 bytes of dropout masks, 16 elements
of 16 bits times the hidden size; for SwiGLU and grouped heads it is
``4 h + 2 heads d + 2 kv_heads d + 3 intermediate``. The logits that the loss keeps are not in it.
"""
