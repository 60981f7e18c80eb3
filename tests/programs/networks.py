"""Networks of several parts, without steps of their own: the same text on every engine."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from program import IMAGES, NOISE, Program, X, Y, Z, classifier, mlp

register = keras.saving.register_keras_serializable("programs")


# --- Variational autoencoder --------------------------------------------------------------------------------------------------


@register
class Sampling(layers.Layer):
    """Computes ``mean + exp(log_variance / 2) * noise``; the noise is an input, so that it is the same in both libraries."""

    def call(self, inputs: Any) -> Any:
        mean, log_variance, noise = inputs
        self.add_loss(-0.05 * ops.mean(1 + log_variance - ops.square(mean) - ops.exp(log_variance)))
        return mean + ops.exp(0.5 * log_variance) * noise


class VariationalAutoencoder(Program):
    """Convolutions, a layer that adds the divergence to the loss, and an input of noise; the target is the input."""

    def model(self) -> Any:
        image, noise = keras.Input((6, 6, 1), name="image"), keras.Input((2,), name="noise")
        hidden = layers.Flatten()(layers.Conv2D(3, 3, strides=2, padding="same", activation="relu")(image))
        code = Sampling()([layers.Dense(2, name="mean")(hidden), layers.Dense(2, name="log_variance")(hidden), noise])
        grown = layers.Reshape((3, 3, 2))(layers.Dense(18, "relu")(code))
        decoded = layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(grown)
        return keras.Model({"image": image, "noise": noise}, decoded)

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["mse"])

    def data(self) -> tuple:
        return {"image": IMAGES, "noise": NOISE}, IMAGES


# --- Distillation -------------------------------------------------------------------------------------------------------------


def network(units: int, name: str) -> Any:
    stack = [layers.Dense(units, "tanh", name="hidden"), layers.Dense(3, "relu", name="features"), layers.Dense(3)]
    return keras.Sequential([keras.Input((4,)), *stack], name=name)


@register
class OwnDistiller(keras.Model):
    """The distiller of Keras's guide, with ``compute_loss``."""

    def __init__(self, student: Any, teacher: Any, temperature: float = 3.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.student, self.teacher, self.temperature = student, teacher, temperature
        self.teacher.trainable = False
        self.divergence = keras.losses.KLDivergence()

    def call(self, x: Any) -> Any:
        return self.student(x)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        soft = ops.softmax(self.teacher(x, training=False) / self.temperature)
        divergence = self.divergence(soft, ops.softmax(y_pred / self.temperature))
        labels = super().compute_loss(x, y, y_pred, sample_weight, training)
        return 0.3 * labels + 0.7 * divergence * self.temperature**2

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("student", "teacher")}
        return {**super().get_config(), **parts, "temperature": self.temperature}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("student", "teacher")}
        return cls(**parts, **config)


class DistillationByComputeLoss(Program):
    def model(self) -> Any:
        model = OwnDistiller(network(2, "student"), network(6, "teacher"))
        model(X[:2])
        return model

    def compile(self, model: Any) -> None:
        model.compile(**classifier())

    def data(self) -> tuple:
        return X, Y


class DistillationOfKeras(Program):
    def model(self) -> Any:
        logits = keras.distillation.LogitsDistillation(2.0, keras.losses.KLDivergence())
        features = keras.distillation.FeatureDistillation("mse", "features", "features")
        model = keras.distillation.Distiller(
            network(6, "teacher"), network(2, "student"), [logits, features], [1.0, 0.5], student_loss_weight=0.3
        )
        model(X[:2])
        return model

    def compile(self, model: Any) -> None:  # without momentum: Keras does not save the state of the optimizer
        model.compile(keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])

    def data(self) -> tuple:
        return X, Y

    def load(self, path: Any) -> Any:
        model = keras.models.load_model(path)
        self.compile(model)
        return model


# --- Pairs and triplets -------------------------------------------------------------------------------------------------------


@register
class Distance(layers.Layer):
    def call(self, inputs: Any) -> Any:
        first, second = inputs
        return ops.sqrt(ops.sum(ops.square(first - second), axis=-1, keepdims=True) + 1e-6)


@register
def contrastive_loss(y_true: Any, y_pred: Any) -> Any:
    near, far = ops.square(y_pred), ops.square(ops.maximum(1.0 - y_pred, 0.0))
    return ops.mean(y_true * near + (1 - y_true) * far, axis=-1)


class SiameseNet(Program):
    """Two inputs, one network for both, and a distance."""

    def model(self) -> Any:
        embed = keras.Sequential(
            [keras.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.Flatten(), layers.Dense(3)]
        )
        first, second = keras.Input((6, 6, 1)), keras.Input((6, 6, 1))
        return keras.Model([first, second], Distance()([embed(first), embed(second)]))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.RMSprop(0.01), contrastive_loss, metrics=["mae"])

    def data(self) -> tuple:
        return [IMAGES, IMAGES[::-1].copy()], (Y[::-1] == Y).astype("float32")[:, None]


@register
class Contrastive(keras.Model):
    """Two views of each sample; the loss compares all pairs of a batch, as in SimCLR."""

    def __init__(self, temperature: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.temperature = temperature
        self.encoder = keras.Sequential([layers.Dense(6, "relu"), layers.Dense(3)])
        self.right = keras.metrics.SparseCategoricalAccuracy(name="right")

    def call(self, inputs: Any) -> Any:
        return ops.stack([ops.normalize(self.encoder(inputs["first"])), ops.normalize(self.encoder(inputs["second"]))], axis=1)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        similarity = ops.matmul(y_pred[:, 0], ops.transpose(y_pred[:, 1])) / self.temperature
        labels = ops.arange(ops.shape(similarity)[0])
        self.right.update_state(labels, similarity)
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return (crossentropy(labels, similarity) + crossentropy(labels, ops.transpose(similarity))) / 2

    def get_config(self) -> dict:
        return {**super().get_config(), "temperature": self.temperature}


class ContrastiveNet(Program):
    def model(self) -> Any:
        model = Contrastive()
        model(self.data()[0])
        return model

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02))

    def data(self) -> tuple:
        return {"first": X, "second": (X + 0.1).astype("float32")}, None

    def train(self, model: Any) -> Any:
        return model.fit(self.data()[0], batch_size=8, epochs=2, shuffle=False, verbose=0).history


@register
class TripletNet(keras.Model):
    """Anchor, positive and negative; the model adds its loss in ``call``."""

    def __init__(self, embedding: Any, margin: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.embedding, self.margin = embedding, margin

    def call(self, inputs: Any) -> Any:
        anchor, positive, negative = (self.embedding(part) for part in inputs)
        near, far = (ops.sum(ops.square(anchor - other), axis=-1) for other in (positive, negative))
        self.add_loss(ops.mean(ops.maximum(near - far + self.margin, 0.0)))
        return near, far

    def get_config(self) -> dict:
        embedding = keras.saving.serialize_keras_object(self.embedding)
        return {**super().get_config(), "embedding": embedding, "margin": self.margin}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        return cls(keras.saving.deserialize_keras_object(config.pop("embedding")), **config)


class TripletLoss(Program):
    def model(self) -> Any:
        model = TripletNet(network(5, "embedding"))
        model(self.data()[0])
        return model

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9))

    def data(self) -> tuple:
        return [X, X[::-1].copy(), np.roll(X, 5, axis=0)], None

    def train(self, model: Any) -> Any:
        return model.fit(self.data()[0], batch_size=8, epochs=2, shuffle=False, verbose=0).history


# --- Several inputs and outputs -----------------------------------------------------------------------------------------------


class DictsOfInputsAndOutputs(Program):
    """Inputs, targets, losses, metrics and weights by name, in different orders."""

    def model(self) -> Any:
        inputs = {"left": keras.Input((4,), name="left"), "kind": keras.Input((1,), dtype="int32", name="kind")}
        hidden = layers.concatenate(
            [layers.Dense(4, "relu")(inputs["left"]), layers.Flatten()(layers.Embedding(3, 2)(inputs["kind"]))]
        )
        outputs = {"size": layers.Dense(1, name="size")(hidden), "class": layers.Dense(3, name="class")(hidden)}
        return keras.Model(inputs, outputs)

    def compile(self, model: Any) -> None:
        losses = {"class": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mae"}
        metrics = {"size": ["mse"], "class": ["accuracy"]}
        optimizer = keras.optimizers.SGD(0.05)  # on TensorFlow, Keras's Adam treats repeated rows of an embedding otherwise
        model.compile(optimizer, losses, loss_weights={"size": 0.5, "class": 2.0}, metrics=metrics)

    def data(self) -> tuple:
        return {"kind": Y[:, None], "left": X}, {"class": Y, "size": Z}


class SharedLayersAndNestedModels(Program):
    """A model in a model in a model, a layer that is called three times, and a residual."""

    def model(self) -> Any:
        shared = layers.Dense(4, "tanh", name="shared")
        x = keras.Input((4,))
        inner = keras.Model(x, layers.BatchNormalization(momentum=0.5)(shared(shared(x)) + x), name="inner")
        y = keras.Input((4,))
        middle = keras.Model(y, [inner(y), shared(inner(y * 2.0))], name="middle")
        z = keras.Input((4,))
        first, second = middle(z)
        return keras.Model(z, layers.Dense(1)(layers.Multiply()([first, layers.Dropout(0.0)(second)])))


class FineTuning(Program):
    """First only the head is trained, then all, at a lower rate; the frozen normalization stays in inference mode."""

    def model(self) -> Any:
        x = keras.Input((4,))
        base = mlp(4)
        base.trainable = False
        return keras.Model(x, layers.Dense(1)(base(x, training=False)))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), "mse")

    def train(self, model: Any) -> Any:
        options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
        head = model.fit(X, Z, **options).history
        model.layers[1].trainable = True
        model.layers[1].layers[2].trainable = False
        model.compile(keras.optimizers.SGD(0.01), "mse")
        counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
        return [head, counts, model.fit(X, Z, **options).history]


class SubclassOfAFunctionalModel(Program):
    """A functional model whose class overrides ``compute_loss``."""

    def model(self) -> Any:
        return mlp(1, Robust)

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), metrics=["mae"])


@register
class Robust(keras.Model):
    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        return ops.mean(ops.sqrt(1 + ops.square(y - y_pred)) - 1)


class WeightsOfSamplesAndClasses(Program):
    def model(self) -> Any:
        return mlp(3)

    def compile(self, model: Any) -> None:
        model.compile(**classifier(), weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy(from_logits=True)])

    def train(self, model: Any) -> Any:
        weights = np.linspace(0, 2, 24)
        options = {"batch_size": 10, "shuffle": False, "verbose": 0, "validation_data": (X[:9], Y[:9], weights[:9])}
        by_sample = model.fit(X, Y, epochs=2, sample_weight=weights, **options).history
        return [by_sample, model.fit(X, Y, class_weight={0: 1.0, 1: 0.5, 2: 3.0}, **options).history]

    def data(self) -> tuple:
        return X, Y


class ModelsInAList(Program):
    """An ensemble: layers in lists and dicts of a subclass."""

    def model(self) -> Any:
        model = Ensemble(2)
        model(X[:2])
        return model


@register
class Ensemble(keras.Model):
    def __init__(self, members: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.members = members
        self.heads = [keras.Sequential([layers.Dense(3, "tanh"), layers.Dense(1)]) for _ in range(members)]
        self.gates = {"out": layers.Dense(members, "softmax"), "in": layers.BatchNormalization(momentum=0.5)}

    def call(self, x: Any, training: bool = False) -> Any:
        gate = self.gates["out"](self.gates["in"](x, training=training))
        return ops.sum(gate * ops.concatenate([head(x) for head in self.heads], axis=-1), axis=-1, keepdims=True)

    def get_config(self) -> dict:
        return {**super().get_config(), "members": self.members}


class CompiledBatchByBatch(Program):
    """``train_on_batch`` and ``test_on_batch`` in a loop, with the learning rate changed in between."""

    def model(self) -> Any:
        return mlp(1)

    def train(self, model: Any) -> Any:
        found = []
        for epoch in range(2):
            model.optimizer.learning_rate = 0.02 / (epoch + 1)
            for start in range(0, 24, 8):
                found.append(model.train_on_batch(X[start : start + 8], Z[start : start + 8], return_dict=True))
            model.reset_metrics()
            found.append(model.test_on_batch(X[:8], Z[:8]))
            model.reset_metrics()
        return found


PROGRAMS = [
    VariationalAutoencoder,
    DistillationByComputeLoss,
    DistillationOfKeras,
    SiameseNet,
    ContrastiveNet,
    TripletLoss,
    DictsOfInputsAndOutputs,
    SharedLayersAndNestedModels,
    FineTuning,
    SubclassOfAFunctionalModel,
    WeightsOfSamplesAndClasses,
    ModelsInAList,
    CompiledBatchByBatch,
]
