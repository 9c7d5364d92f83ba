// What the tests ask of a simulated design on standard input, and the answers on standard output. Numbers are little-endian:
//   'P' n:u32 words:u32[n]     program words, queued
//   'F' n:u32 beats:u64[n]     beats of a frame, queued
//   'W' n:u32 words:u32[n]     the weight stream that goes with every frame from now on, the lowest of a beat first
//   'X' n:u32                  what is done to it: 0 nothing, 1 the last beat is missing, 2 one comes twice, 3 a bit is turned,
//                              4 nothing comes behind the first half
//   'S' seed:u32 permille:u32  from now on every stream pauses that often, at random
//   'R' n:u32                  runs until n results came        -> ok:u8 cycles:u64 results:u32[n]
//   'D' n:u32                  runs until n read-back words came -> ok:u8 cycles:u64 words:u32[n]
// `cycles` counts from the first beat of a frame that is taken to the last result; ok is 0 where nothing moved for too long, and
// 1 and more where it did: 1 more than what was wrong with the weights that the last result was made with (stream_fault_t).
#pragma once

#include "coverage.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <utility>
#include <vector>

// A frame of the largest network takes one and a half million cycles, none of which moves nothing for long.
constexpr std::uint64_t kPatience = 3'000'000;
// Bytes of a beat of the weight stream, and of those that come a cycle on average (src/fpga/weight_feed.rs).
constexpr std::uint32_t kWeightBeat = 16;
constexpr std::uint32_t kWeightBytes = 12;

// What goes in and comes out, whatever carries it; `cycle` of the design moves it.
class Streams {
public:
    virtual ~Streams() = default;

    void queueProgram(std::uint32_t word) { program_.push_back(word); }
    void queueBeat(std::uint64_t beat) { frame_.push_back(beat); }

    void stall(std::uint32_t seed, std::uint32_t permille) {
        random_ = seed | 1u;
        permille_ = permille;
    }

    // Runs until `count` words stand in `from`.
    bool runUntil(std::deque<std::uint32_t>& from, std::size_t count) {
        std::uint64_t still = 0;
        while (from.size() < count) {
            still = cycle() ? 0 : still + 1;
            ++now_;
            if (still > kPatience) return false;
        }
        return true;
    }

    void streamWeights(std::vector<std::uint32_t> words) { weights_ = std::move(words); }
    void spoilWeights(std::uint32_t how) { spoiled_ = how; }
    unsigned fault() const { return fault_; }

    std::deque<std::uint32_t>& results() { return results_; }
    std::deque<std::uint32_t>& readBack() { return read_; }
    std::uint64_t frameCycles() const { return lastResult_ - firstBeat_ + 1; }

protected:
    // One clock cycle; true where something moved.
    virtual bool cycle() = 0;

    bool pauses() {
        if (permille_ == 0) return false;
        random_ = random_ * 1664525u + 1013904223u;
        return (random_ >> 16) % 1000 < permille_;
    }

    void beatTaken() {
        if (betweenFrames_) firstBeat_ = now_;
        betweenFrames_ = false;
        frame_.pop_front();
    }

    void resultCame(std::uint32_t word, unsigned fault) {
        results_.push_back(word);
        fault_ = fault;
        lastResult_ = now_;
        betweenFrames_ = true;
    }

    void readBackCame(std::uint32_t word) {
        read_.push_back(word);
        // A frame that was stopped early is over when something of it is read back.
        betweenFrames_ = true;
    }

    // The weight stream's next beat, where its memory has one by now.
    bool weightsOffered() const { return !weights_.empty() && credit_ >= kWeightBeat && !starved(); }

    const std::uint32_t* weightBeat() {
        std::copy_n(&weights_[atWeight_ * 4], 4, beat_);
        if (spoiled_ == 3 && atWeight_ == weightBeats() / 2) beat_[1] ^= 0x400;
        return beat_;
    }

    bool weightsLast() const { return atWeight_ + 1 == weightBeats() - (spoiled_ == 1) && !(spoiled_ == 2 && !repeated_); }

    // Once a cycle.
    void weightsMove(bool taken) {
        if (taken) {
            credit_ -= kWeightBeat;
            const bool last = weightsLast();
            const bool stays = spoiled_ == 2 && !repeated_ && atWeight_ + 1 == weightBeats();
            if (!stays) atWeight_ = last ? 0 : atWeight_ + 1;
            repeated_ = stays;
        }
        credit_ = std::min(credit_ + kWeightBytes, kWeightBeat + kWeightBytes);
    }

    std::deque<std::uint32_t> program_;
    std::deque<std::uint64_t> frame_;

private:
    std::size_t weightBeats() const { return weights_.size() / 4; }
    bool starved() const { return spoiled_ == 4 && atWeight_ >= weightBeats() / 2; }

    std::deque<std::uint32_t> results_, read_;
    std::vector<std::uint32_t> weights_;
    std::uint32_t beat_[4] = {};
    std::size_t atWeight_ = 0;
    std::uint32_t credit_ = 0, spoiled_ = 0;
    bool repeated_ = false;
    unsigned fault_ = 0;
    std::uint32_t random_ = 1, permille_ = 0;
    std::uint64_t now_ = 0, firstBeat_ = 0, lastResult_ = 0;
    bool betweenFrames_ = true;
};

template <typename T>
bool take(T& value) {
    return std::fread(&value, sizeof value, 1, stdin) == 1;
}

template <typename T>
void give(T value) {
    std::fwrite(&value, sizeof value, 1, stdout);
}

inline void reply(Streams& design, std::deque<std::uint32_t>& from, std::uint32_t count) {
    const bool ok = design.runUntil(from, count);
    give<std::uint8_t>(ok ? 1 + design.fault() : 0);
    give<std::uint64_t>(design.frameCycles());
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t word = 0;
        if (!from.empty()) {
            word = from.front();
            from.pop_front();
        }
        give(word);
    }
    std::fflush(stdout);
    keepCoverage();
}

// One request; false at the end of input or where it is none.
inline bool serve(Streams& design) {
    std::uint8_t request = 0;
    std::uint32_t count = 0;
    if (!take(request) || !take(count)) return false;
    switch (request) {
    case 'P':
        for (std::uint32_t i = 0, word = 0; i < count; ++i) {
            if (!take(word)) return false;
            design.queueProgram(word);
        }
        return true;
    case 'F':
        for (std::uint32_t i = 0; i < count; ++i) {
            std::uint64_t beat = 0;
            if (!take(beat)) return false;
            design.queueBeat(beat);
        }
        return true;
    case 'W': {
        std::vector<std::uint32_t> words(count);
        for (auto& word : words) {
            if (!take(word)) return false;
        }
        design.streamWeights(std::move(words));
        return true;
    }
    case 'X': design.spoilWeights(count); return true;
    case 'S': {
        std::uint32_t permille = 0;
        if (!take(permille)) return false;
        design.stall(count, permille);
        return true;
    }
    case 'R': reply(design, design.results(), count); return true;
    case 'D': reply(design, design.readBack(), count); return true;
    default: return false;
    }
}
