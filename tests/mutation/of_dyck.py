"""Mutants of samples and of the Dyck generator: odds, seeds, refusals, gates, and the ARM beside it."""

from __future__ import annotations

from typing import Any

from lockstep.models import decode, drawing, editing, on_device, samples, torch_transformer
from lockstep.models.engines import indexed
from lockstep.models.engines.native import readout
from lockstep.proofs_check.tasks import bounded
from lockstep.tasks import counting_arm, dyck, kit
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check, equivalent)


SAMPLES = (
    row("samples", "a kind is as likely as its best token", drawing.odds, " * spread", "", "odds of tokens"),
    row("samples", "a bit's odds are exchanged", drawing.odds, "zeros - ones))\n", "ones - zeros))\n", "odds of tokens"),
    row("samples", "a kind counts the bits of all kinds", drawing.odds, "axis=1)[:, bits]\n    weights",
        "axis=1)[:, [-1]]\n    weights", "odds of tokens"),
    row("samples", "MASK is drawn", drawing.odds, "name == MASK", "name == ''", "odds of tokens"),
    row("samples", "the best kind is taken", drawing.Sampler.draw, "drawn[:, :1] * ends[:, -1:]", "ends[:, -1:] / 2",
        "draws of tokens"),
    row("samples", "a bit that is likely is always 1", drawing.Sampler.draw, "drawn[:, 1:] < ones", "ones > 0.5",
        "draws of tokens"),
    row("samples", "a token has bits that its kind lacks", drawing.Sampler.draw, "(values & (1 << self.bits[kind]) - 1)", "values",
        "draws of tokens"),
    row("samples", "the seed is ignored", drawing.Sampler.__init__, "[seed, sample]", "[0, sample]", "samples by every engine"),
    row("samples", "the number of the sample is ignored", drawing.Sampler.__init__, "[seed, sample]", "[seed, 0]",
        "samples by every engine"),
    row("samples", "the seed differs from decode to decode", drawing.Sampler.__init__, "[seed, sample]", "",
        "samples by every engine"),
    row("samples", "the best token is taken", editing.SequenceEditor._drawn, "if not writes.any():", "if True:",
        "samples by every engine"),
    row("samples", "tokens are drawn where masks stay", editing.SequenceEditor._drawn, " & (edits.tokens != self.sequence.mask)",
        "", "samples by every engine"),
    row("samples", "deleted masks draw, too", editing.SequenceEditor._drawn, " & ~edits.delete", "", "samples by every engine"),
    row("samples", "an ARM draws from the first row", editing.SequenceEditor._drawn, "edits.rows - 1", "0 * edits.rows",
        "samples of an ARM"),
    row("samples", "an ARM draws only where it is certain", editing.SequenceEditor.step, "elif self.process.appends:",
        "elif False:", "samples of an ARM"),
    row("samples", "indexed gives the odds of other rows", indexed.IndexedSession.logits, "rows + self.batch",
        "0 * rows + self.batch",
        "samples by every engine"),
    row("samples", "the reference gives ones for zeros", torch_transformer.TorchTransformer._logits, "self.unembedding.zero.T",
        "self.unembedding.one.T", "odds of tokens"),
    row("samples", "an engine that took over has not seen the sequence", decode.Decoder._logits, "self._predict()", "pass",
        "samples by every engine"),
    row("samples", "what outgrows its positions is cut", samples._Samples._step, "self.refused[self.numbers[n]] = refused", "pass",
        "samples that outgrow"),
    row("samples", "what outgrows its positions is cut, alone", samples._alone, "return refused",
        "return decode(model, start[0], start[1], process, replace(sampling, sample=0))", "samples that outgrow"),
    row("samples", "samples together are all the first", samples.decode_samples, "sample=number)", "sample=numbers[0])",
        "samples that outgrow"),
    row("samples", "a doubtful token is taken", editing.SequenceEditor._require_certain, "prediction.probability < THRESHOLD",
        "prediction.probability < 0", "doubtful tokens"),
    row("samples", "half the probability is certain", editing.SequenceEditor._require_certain, "prediction.probability < THRESHOLD",
        "prediction.probability < THRESHOLD / 2", "doubtful tokens"),
    row("samples", "masks that wait must be certain", editing.SequenceEditor._require_certain, "takes & (", "(", "doubtful tokens"),
    row("samples", "a device takes a doubtful token", on_device._doubtful, "< THRESHOLD", "< 0", "doubtful tokens"),
    row("samples", "on a device masks that wait must be certain", on_device._doubtful, " & ~remask & ~delete", "",
        "doubtful tokens"),
    row("samples", "native takes a doubtful token", readout._Readout.put, "if controls:", "if False:", "doubtful tokens"),
)  # fmt: skip

GENERATOR = (
    row("dyck", "the letter itself comes in place of its inverse", dyck._Dyck._complete, "1 - bit], {self.one_bit",
        "1 - bit], {self.zero_bit",
        "dyck choices"),
    row("dyck", "a letter is lost", dyck._Dyck._draw, "SKIP, *self.letters)", "SKIP, *self.letters[:1])", "dyck choices"),
    row("dyck", "nothing comes into the first gap", dyck._Dyck._grow, "self.body - self.first]", "self.body - self.cells]",
        "dyck choices"),
    row("dyck", "SKIP stays", dyck._Dyck._complete, "[*here, self.is_kind(SKIP)]", "[*here, self.is_kind(SKIP), bit]",
        "dyck choices"),
    row("dyck", "a gap is never left empty", dyck._Dyck._draw, "self.masks, SKIP, ", "self.masks, ", "dyck choices"),
    row("dyck", "SKIP has half as many tokens", dyck.skip_bits, " + 1", "", "dyck choices"),
    row("dyck", "brackets may be the wrong way round", dyck._Dyck._draw, "if not self.two_sided:", "if False:", "dyck choices"),
    row("dyck", "no word ends", dyck._Dyck._complete, "[self.first], GO, STOP)", "[self.first], GO)", "dyck choices"),
    row("dyck", "the second cell stays when the word ends", dyck._Dyck._end, '"stop"], self.is_kind(MASK)]',
        '"stop"], self.is_kind(MASK), self.body - self.second]', "dyck choices"),
    row("dyck",
        "the first cell stays", dyck._Dyck._end, '[*self.phases["end"], self.first]', '[*self.phases["end"], self.second]', "dyck choices"),
    row("dyck", "tokens that should never come have a probability", dyck.dyck, "field.flag * HOT", "field.flag", "dyck choices"),
    row("dyck", "a mask right of SKIP waits", dyck._Dyck._complete, '"delete", [*here', '"remask", [*here', "dyck neighbours"),
    row("dyck",
        "a mask right of SKIP waits, by its words", dyck._Dyck._complete, '"delete", [*here', '"remask", [*here', "dyck choices",
        "the next step deletes it with the other masks, so no word and no probability changes; only the sequence in between does"),
    row("dyck", "a letter is remasked", dyck._Dyck._complete, "[*here, self.is_kind(SKIP)]",
        "[*here, self.body - self.is_kind(MASK)]",
        "dyck neighbours"),
    row("dyck",
        "the second cell goes on by itself", dyck._Dyck._draw, 'self.phases["draw"], self.cells]', 'self.phases["draw"], self.first]',
        "dyck neighbours"),
    row("dyck", "rows see the right neighbour", kit.TaskBuilder.neighbours, "self.places[side]", "self.places['right']",
        "dyck neighbours"),
    row("dyck", "rows see their own row", kit.TaskBuilder.neighbours, "there[j], here[j]", "here[j], here[j]", "dyck neighbours"),
    row("dyck", "a neighbour's highest index bit does not count", kit.TaskBuilder.neighbours, "range(self.index_bits)]",
        "range(self.index_bits - 1)]", "dyck neighbours"),
    row("dyck", "any row counts as the cell", kit.TaskBuilder.at, "(self.flags[role].flag,)", "(self.body,)", "dyck neighbours"),
    row("dyck", "an ARM counts every letter once", counting_arm.counting_arm, "((2 * up,", "((1 * up,", "bounded ARM"),
    row("dyck", "an ARM may end behind too many letters", counting_arm.counting_arm, 'number + 1, fields["ends"].bit(), -1',
        'number + 2, fields["ends"].bit(), -1', "bounded ARM"),
    row("dyck", "an ARM has another exponent", counting_arm.counting_arm, "exponent=exponent", "exponent=exponent + 1",
        "bounded ARM"),
    row("dyck",
        "words of an ARM are not gone through from the shortest", bounded._judged, "key=lambda judged: (judged[0] + judged[1], judged[0])",
        "key=lambda judged: -judged[0]", "bounded ARM"),
    Mutant("dyck", "a letter has far less than 2048", Attribute(counting_arm, "HOT", 64, "HOT = 64"), "bounded ARM"),
)  # fmt: skip

MUTANTS = (*SAMPLES, *GENERATOR)
