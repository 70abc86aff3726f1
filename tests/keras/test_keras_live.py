"""Where Keras is installed: every application that it has today, not only those that were recorded."""

import json

import pytest
from keras_support import read

keras = pytest.importorskip("keras")


# The folder of these tests is called keras too, which Python may take for a package without a file.
applications = getattr(keras, "applications", None)
names = [name for name in dir(applications) if name[0].isupper()]


@pytest.mark.skipif(applications is None, reason="Keras is not installed")
@pytest.mark.parametrize("name", names)
def test_every_application(name):
    model = getattr(applications, name)(weights=None)
    assert read(json.loads(model.to_json())).parameters == model.count_params()
