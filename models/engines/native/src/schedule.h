// From a part of a network to the tape that computes it.
#pragma once
#include "gates.h"

constexpr u32 MOST_PLANES = 1 << 16;  // planes are numbered in 16 bits
constexpr u32 CONSTANTS = 2;          // planes 0 and 1
constexpr size_t WORD = 64;           // planes of a word

// What goes out: planes that rows keep, words of planes for lookups, and planes that are 1 on rows with a fault.
struct Part {
  Literals kept;
  std::vector<Literals> outputs;
  Literals faults;

  Literals literals() const {
    Literals all = kept;
    for (const Literals &word : outputs) all.insert(all.end(), word.begin(), word.end());
    all.insert(all.end(), faults.begin(), faults.end());
    return all;
  }

  // All of it in words of planes; 0 where there is none. A word that goes out has a place even if it is empty.
  Literals words() const {
    Literals all;
    const auto put = [&](const Literals &planes, size_t words) {
      const size_t end = all.size() + WORD * words;
      all.insert(all.end(), planes.begin(), planes.end());
      all.resize(end);
    };
    put(kept, (kept.size() + WORD - 1) / WORD);
    for (const Literals &word : outputs) put(word, 1);
    put(faults, (faults.size() + WORD - 1) / WORD);
    return all;
  }
};

// Equal operations that are ready stand together. Planes that nothing reads any more are used again.
class Schedule {
 public:
  // places: of each input of the network, by node: the word of a record and the bit in it, 64 word + bit.
  Schedule(const Network &network, const Part &part, const std::vector<i32> &places)
      : network_(network), plane_(network.nodes.size()), last_(network.nodes.size()) {
    std::vector<u32> needed;
    for (u32 node : network.needed(part.literals())) (network.nodes[node].operation == INPUT ? inputs_ : needed).push_back(node);
    order_ = in_waves(needed);
    load(places);
    put_out(part);
    place(part.literals());
    copy(part.words());
    if (planes_ > MOST_PLANES) throw Unsuitable("a layer takes " + std::to_string(planes_) + " planes");
    tape_.planes = (i32)planes_;
  }

  Tape tape() && { return std::move(tape_); }

 private:
  const Network &network_;
  std::vector<u32> inputs_, order_;  // nodes
  std::vector<u32> plane_, last_;    // of each node, the last operation that reads it
  std::vector<u32> copied_;          // planes that go out, and hold what another one holds, or its complement
  u32 planes_ = CONSTANTS, first_out_ = 0;
  Tape tape_;

  // Nodes in waves: all that are ready of one operation. Of all operations, that of the node is next from which most is still to go.
  std::vector<u32> in_waves(const std::vector<u32> &nodes) const {
    std::vector<u32> height(network_.nodes.size()), waits(height.size()), found;
    std::vector<std::vector<u32>> readers(height.size());
    for (size_t i = nodes.size(); i--;)
      for (Literal a : network_.nodes[nodes[i]].arguments) height[a >> 1] = std::max(height[a >> 1], height[nodes[i]] + 1);
    std::vector<u32> ready[OPERATIONS], wave;
    u32 most[OPERATIONS] = {};  // the height of the highest that is ready, and 1
    const auto add = [&](u32 node) {
      const i32 what = network_.nodes[node].operation;
      ready[what].push_back(node);
      most[what] = std::max(most[what], height[node] + 1);
    };
    for (u32 node : nodes) {
      for (Literal a : network_.nodes[node].arguments)
        if (network_.nodes[a >> 1].operation != INPUT) readers[a >> 1].push_back(node), waits[node]++;
      if (!waits[node]) add(node);
    }
    while (found.size() < nodes.size()) {
      const size_t what = (size_t)(std::max_element(most, most + OPERATIONS) - most);
      wave.clear();
      wave.swap(ready[what]);
      most[what] = 0;
      for (u32 node : wave) {
        found.push_back(node);
        for (u32 reader : readers[node])
          if (!--waits[reader]) add(reader);
      }
    }
    return found;
  }

  void load(const std::vector<i32> &places) {
    std::vector<i32> &words = tape_.words;
    for (u32 node : inputs_) words.push_back(places.at(node) / (i32)WORD);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    for (u32 node : inputs_) {
      const auto at = std::lower_bound(words.begin(), words.end(), places[node] / (i32)WORD) - words.begin();
      plane_[node] = CONSTANTS + (u32)(WORD * (size_t)at) + (u32)places[node] % WORD;
    }
    planes_ += (u32)(WORD * words.size());
  }

  // What goes out has planes side by side. A gate is computed right there; it is copied where it goes out a second time.
  void put_out(const Part &part) {
    u32 at = first_out_ = planes_;
    for (Literal a : part.words()) {
      if (!a)
        clear((i32)planes_);
      else if (!(a & 1) && network_.nodes[a >> 1].operation != INPUT && !plane_[a >> 1])
        plane_[a >> 1] = planes_;
      else
        copied_.push_back(planes_);
      planes_++;
    }
    for (size_t left = (part.kept.size() + WORD - 1) / WORD; left; left--, at += WORD) tape_.kept.push_back((i32)at);
    for (size_t left = part.outputs.size(); left; left--, at += WORD) tape_.outputs.push_back((i32)at);
    tape_.faults = part.faults.empty() ? 0 : (i32)at;
  }

  void clear(i32 plane) {
    std::vector<i32> &zeros = tape_.zeros;
    if (zeros.empty() || zeros[zeros.size() - 2] + zeros.back() != plane) zeros.insert(zeros.end(), {plane, 0});
    zeros.back()++;
  }

  void place(const Literals &out) {
    for (u32 step = 0; step < order_.size(); step++)
      for (Literal a : network_.nodes[order_[step]].arguments) last_[a >> 1] = step;
    last_[0] = UINT32_MAX;
    for (u32 node : inputs_) last_[node] = UINT32_MAX;
    for (Literal a : out) last_[a >> 1] = UINT32_MAX;
    std::vector<u32> free;
    for (u32 step = 0; step < order_.size(); step++) {
      const Node &n = network_.nodes[order_[step]];
      u32 &to = plane_[order_[step]];
      if (!to) {
        if (free.empty()) free.push_back(planes_++);
        to = free.back();
        free.pop_back();
      }
      operation(n.operation, to, plane_[n.arguments[0] >> 1], plane_[n.arguments[1] >> 1], plane_[n.arguments[2] >> 1]);
      for (Literal a : n.arguments)
        if (last_[a >> 1] == step) free.push_back(plane_[a >> 1]);
    }
  }

  // out: what goes out, by plane.
  void copy(const Literals &out) {
    for (Literal complement : {0, 1})
      for (u32 to : copied_)
        if (const Literal a = out[to - first_out_]; (a & 1) == complement) operation(complement ? NOT : COPY, to, plane_[a >> 1], 0, 0);
  }

  void operation(i32 what, u32 to, u32 a, u32 b, u32 c) {
    tape_.arguments.push_back(Arguments{(u16)to, (u16)a, (u16)b, (u16)c});
    if (tape_.runs.empty() || tape_.runs[tape_.runs.size() - 2] != what) tape_.runs.insert(tape_.runs.end(), {what, 0});
    tape_.runs.back() = (i32)tape_.arguments.size();
  }
};
