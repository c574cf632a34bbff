"""pytest's own plugin tests need `pytester`; everything else comes with the aftershock plugin."""

pytest_plugins = ["pytester"]
