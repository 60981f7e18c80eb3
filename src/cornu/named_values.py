"""``utils.Config``: named values as attributes."""

import json
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

from cornu.errors import InvalidArgumentError, did_you_mean


class Config(MutableMapping):
    """Dict whose values are attributes too, and that can be frozen.

    Args:
        **kwargs: The first values.

    Example:
        >>> from cornu.utils import Config
        >>> config = Config(rate=0.1)
        >>> config.seed = 7
        >>> config["rate"], config.seed, config.to_json()
        (0.1, 7, '{"rate": 0.1, "seed": 7}')
    """

    _config: dict[str, Any]
    _frozen = False

    def __init__(self, **kwargs: Any):
        object.__setattr__(self, "_config", kwargs)

    @property
    def frozen(self) -> bool:
        """Whether changes raise an error."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def _check_change(self) -> None:
        if self._frozen:
            raise InvalidArgumentError(
                "A value of a frozen `Config` was set or removed.", "It must not change.", "Call `unfreeze()` first."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the values as a new dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """Return the values as a JSON string."""
        return json.dumps(self._config)

    def keys(self) -> KeysView:
        """Return the names in the order in which they were set."""
        return self._config.keys()

    def values(self) -> ValuesView:
        """Return the values in the order in which they were set."""
        return self._config.values()

    def items(self) -> ItemsView:
        """Return pairs of names and values in the order in which they were set."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """Return a value, or ``value`` if there is none of this name."""
        return self._config.get(keyname, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._config:
            raise AttributeError(f"Unknown attribute: {name!r}. {did_you_mean(name, self._config)}".rstrip())
        return self._config[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._config[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._check_change()
        self._config[name] = value

    def __delitem__(self, name: str) -> None:
        self._check_change()
        del self._config[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"

    def __reduce__(self) -> tuple:
        return _restored, (self._config, self._frozen)


def _restored(values: dict[str, Any], frozen: bool) -> Config:
    """Return a ``Config`` for copies and pickles."""
    config = Config(**values)
    if frozen:
        config.freeze()
    return config
