// Weights of MLPs become gates over the columns of the stream.
#pragma once
#include "gates.h"

// An MLP as in plan.py: rows of `forms` that are not complete are the difference from the form before.
struct Mlp {
  Matrix forms;
  std::vector<u8> complete;
  std::vector<i32> form_of, first_unit;
  std::vector<i64> bias, sign;
  Matrix writes;

  // The columns after the MLP.
  Stream after(const Stream &before, Gates &gates) const {
    std::vector<Form> forms_of;
    for (size_t f = 0; f < forms.rows(); f++) {
      forms_of.push_back(before.times(forms, f));
      if (!complete[f]) forms_of[f].plus(forms_of[f - 1]);
    }
    Stream made = before;
    for (size_t g = 0; g < form_of.size(); g++) {
      const Form added = gates.group(forms_of[(size_t)form_of[g]], units(g));
      for (i32 e = writes.start[g]; e < writes.start[g + 1]; e++) made.columns[(size_t)writes.columns[e]].plus(added, writes.values[e]);
    }
    return made;
  }

 private:
  std::vector<Unit> units(size_t group) const {
    std::vector<Unit> found;
    for (i32 u = first_unit[group]; u < first_unit[group + 1]; u++) found.push_back(Unit{bias[u], sign[u]});
    std::sort(found.begin(), found.end(), [](Unit a, Unit b) { return a.bias != b.bias ? a.bias < b.bias : a.sign < b.sign; });
    return found;
  }
};
