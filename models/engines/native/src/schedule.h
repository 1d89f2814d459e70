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

// Operations of one depth that are equal stand together; planes that nothing reads any more are used again.
class Schedule {
 public:
  // places: of each input of the network, by node: the word of a record and the bit in it, 64 word + bit.
  Schedule(const Network &network, const Part &part, const std::vector<i32> &places)
      : network_(network), plane_(network.nodes.size()), last_(network.nodes.size()) {
    const Literals literals = part.literals();
    for (u32 node : network.needed(literals)) (network.nodes[node].operation == INPUT ? inputs_ : order_).push_back(node);
    load(places);
    std::stable_sort(order_.begin(), order_.end(), [&](u32 a, u32 b) {
      const Node &one = network.nodes[a], &other = network.nodes[b];
      return one.depth != other.depth ? one.depth < other.depth : one.operation < other.operation;
    });
    place(literals);
    put_out(part);
  }

  Tape tape() && { return std::move(tape_); }

 private:
  const Network &network_;
  std::vector<u32> inputs_, order_;  // nodes
  std::vector<u32> plane_, last_;    // of each node, the last operation that reads it
  u32 planes_ = CONSTANTS;
  Tape tape_;

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

  void place(const Literals &out) {
    for (u32 step = 0; step < order_.size(); step++)
      for (Literal a : network_.nodes[order_[step]].arguments) last_[a >> 1] = step;
    last_[0] = UINT32_MAX;
    for (u32 node : inputs_) last_[node] = UINT32_MAX;
    for (Literal a : out) last_[a >> 1] = UINT32_MAX;
    std::vector<u32> free;
    for (u32 step = 0; step < order_.size(); step++) {
      const Node &n = network_.nodes[order_[step]];
      if (free.empty()) free.push_back(planes_++);
      const u32 to = plane_[order_[step]] = free.back();
      free.pop_back();
      operation(n.operation, to, plane_[n.arguments[0] >> 1], plane_[n.arguments[1] >> 1], plane_[n.arguments[2] >> 1]);
      for (Literal a : n.arguments)
        if (last_[a >> 1] == step) free.push_back(plane_[a >> 1]);
    }
  }

  // What goes out is copied to planes side by side.
  void put_out(const Part &part) {
    const Literals out = part.words();
    for (Literal complement : {0, 1})
      for (size_t i = 0; i < out.size(); i++)
        if ((out[i] & 1) == complement) operation(complement ? NOT : COPY, planes_ + (u32)i, plane_[out[i] >> 1], 0, 0);
    u32 at = planes_;
    for (size_t left = (part.kept.size() + WORD - 1) / WORD; left; left--, at += WORD) tape_.kept.push_back((i32)at);
    for (size_t left = part.outputs.size(); left; left--, at += WORD) tape_.outputs.push_back((i32)at);
    tape_.faults = part.faults.empty() ? 0 : (i32)at;
    tape_.planes = (i32)(planes_ + out.size());
    if ((u32)tape_.planes > MOST_PLANES) throw Unsuitable("a layer takes " + std::to_string(tape_.planes) + " planes");
  }

  void operation(i32 what, u32 to, u32 a, u32 b, u32 c) {
    tape_.arguments.push_back(Arguments{(u16)to, (u16)a, (u16)b, (u16)c});
    if (tape_.runs.empty() || tape_.runs[tape_.runs.size() - 2] != what) tape_.runs.insert(tape_.runs.end(), {what, 0});
    tape_.runs.back() = (i32)tape_.arguments.size();
  }
};
