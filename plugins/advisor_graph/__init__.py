"""Library of the readers that walk a graph of tensors: operators, stored weights, and the model they make."""
