"""Command line interface ``cornu``. Its help imports no array engine."""

import click

import cornu
from cornu.cli.demo import demo
from cornu.cli.run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cornu.__version__, prog_name="cornu")
def main() -> None:
    """Build and train neural networks for computer vision."""


main.add_command(demo)
main.add_command(run)
