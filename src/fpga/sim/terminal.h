// What every simulated board does: it stands on a pseudo-terminal that takes the place of the serial line. The first line of standard
// output is the terminal's path; then nothing more is said.
//
// Standard input takes lines; its end is the board's:
//   reset         the board's reset button
//   stop, go      its clock stands still, and runs again
//
// Options:
//   --link PATH   a symbolic link to the terminal, so that a board comes back under its old name
//   --baud N      bytes pass no faster than on a line of that speed (in the wall's time; the clock's is the simulation's)
//
// Where bits are simulated:
//   --offset N    the host's clock runs that many thousandths faster than the board's
//   --jitter N    an edge comes at most that many thousandths of a bit too early or too late
#pragma once

#include "coverage.h"
#include "verilated.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>

// A board counts as idle when nothing was under way for so many cycles: its pipeline is shorter.
constexpr int kIdleCycles = 64;
// Cycles between two looks at the line, and bytes that are taken at one.
constexpr int kBatch = 2048;
// Bytes that wait for the host before the board has to.
constexpr std::size_t kOutgoing = 4096;

// A board as the terminal sees it: bytes that came, bytes that wait for the host, and cycles as long as anything is under way.
class Board {
public:
    virtual ~Board() = default;

    void reset() {
        incoming_.clear();
        outgoing_.clear();
        setReset(true);
        for (int i = 0; i < 4; ++i) cycle();
        setReset(false);
        idle_ = 0;
    }

    bool busy() const { return idle_ < kIdleCycles; }

    void run() {
        for (int i = 0; i < kBatch && busy(); ++i) idle_ = cycle() ? 0 : idle_ + 1;
    }

    void receive(const std::uint8_t* bytes, std::size_t count) {
        incoming_.insert(incoming_.end(), bytes, bytes + count);
        if (count != 0) idle_ = 0;
    }

    std::deque<std::uint8_t>& outgoing() { return outgoing_; }
    bool wantsBytes() const { return incoming_.size() < kBatch; }

protected:
    // A cycle of its clock; whether anything was under way in it.
    virtual bool cycle() = 0;
    virtual void setReset(bool level) = 0;

    std::deque<std::uint8_t> incoming_, outgoing_;

private:
    int idle_ = 0;
};

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

// The board's end of the terminal. The other end is held open as well, so that a host may come and go.
inline int openTerminal(std::string& path) {
    const int board = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (board < 0 || grantpt(board) != 0 || unlockpt(board) != 0) fail("pseudo-terminal");
    path = ptsname(board);
    const int host = open(path.c_str(), O_RDWR | O_NOCTTY);
    termios settings{};
    if (host < 0 || tcgetattr(host, &settings) != 0) fail("pseudo-terminal");
    cfmakeraw(&settings);
    if (tcsetattr(host, TCSANOW, &settings) != 0) fail("pseudo-terminal");
    return board;
}

// How many bytes a line of some speed lets pass.
class Line {
public:
    explicit Line(long baud) : bytesPerSecond_(baud / 10.0), last_(Clock::now()) {}

    // The bytes that may pass now, at most `wanted`.
    std::size_t allowance(std::size_t wanted) {
        if (bytesPerSecond_ <= 0) return wanted;
        const auto now = Clock::now();
        const double passed = std::chrono::duration<double>(now - last_).count();
        last_ = now;
        // What was not used is not saved up.
        saved_ = std::min(saved_ + passed * bytesPerSecond_, std::max(1.0, bytesPerSecond_ / 500));
        const auto allowed = std::min(wanted, static_cast<std::size_t>(saved_));
        saved_ -= static_cast<double>(allowed);
        return allowed;
    }

private:
    using Clock = std::chrono::steady_clock;
    double bytesPerSecond_;
    double saved_ = 0;
    Clock::time_point last_;
};

struct Options {
    std::string link;
    long baud = 0;
    long offset = 0;
    long jitter = 0;
};

inline Options parse(int argc, char** argv, bool bitByBit) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
        const auto number = [&](const char* name, long& into) {
            if (value == nullptr || std::strcmp(argv[i], name) != 0) return false;
            into = std::strtol(value, nullptr, 10);
            return true;
        };
        if (value != nullptr && std::strcmp(argv[i], "--link") == 0) {
            options.link = value;
        } else if (!number("--baud", options.baud) &&
                   !(bitByBit && (number("--offset", options.offset) || number("--jitter", options.jitter)))) {
            const char* more = bitByBit ? " [--offset PERMILLE] [--jitter PERMILLE]" : "";
            std::fprintf(stderr, "usage: %s [--link PATH] [--baud N]%s\n", argv[0], more);
            std::exit(2);
        }
        ++i;
    }
    return options;
}

// Obeys the lines that came; false at the end of input.
inline bool obey(Board& board, std::string& unread, bool& stopped) {
    char text[256];
    const ssize_t count = read(STDIN_FILENO, text, sizeof text);
    if (count <= 0) return false;
    unread.append(text, static_cast<std::size_t>(count));
    for (std::size_t end = unread.find('\n'); end != std::string::npos; end = unread.find('\n')) {
        const std::string line = unread.substr(0, end);
        unread.erase(0, end + 1);
        if (line == "reset") board.reset();
        if (line == "stop") stopped = true;
        if (line == "go") stopped = false;
    }
    return true;
}

inline void serve(Board& board, int terminal, long baud) {
    Line down(baud), up(baud);
    std::string unread;
    bool stopped = false;
    while (true) {
        const bool gives = !board.outgoing().empty();
        const bool runs = !stopped && board.busy();
        pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {terminal, 0, 0}};
        if (board.wantsBytes()) watched[1].events |= POLLIN;
        if (gives) watched[1].events |= POLLOUT;
        if (!runs) keepCoverage();
        if (poll(watched, 2, runs ? 0 : -1) < 0) fail("poll");
        if (watched[0].revents != 0 && !obey(board, unread, stopped)) return;
        if (watched[1].revents & POLLIN) {
            std::uint8_t bytes[kBatch];
            const ssize_t count = read(terminal, bytes, down.allowance(sizeof bytes));
            if (count > 0) board.receive(bytes, static_cast<std::size_t>(count));
        }
        if (watched[1].revents & POLLOUT) {
            std::uint8_t bytes[kBatch];
            auto& outgoing = board.outgoing();
            const std::size_t most = up.allowance(std::min(outgoing.size(), sizeof bytes));
            std::copy_n(outgoing.begin(), most, bytes);
            const ssize_t count = write(terminal, bytes, most);
            if (count > 0) outgoing.erase(outgoing.begin(), outgoing.begin() + count);
        }
        if (!stopped) board.run();
        // A slow line is looked at again when some of it may pass.
        if (baud > 0 && !runs) usleep(500);
    }
}

// The whole program: a board of that kind on a terminal, until standard input ends. `Design::kBitByBit`: whether bits are simulated.
template <typename Design>
int serveOnTerminal(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    const Options options = parse(argc, argv, Design::kBitByBit);
    std::string path;
    const int terminal = openTerminal(path);
    if (!options.link.empty()) {
        unlink(options.link.c_str());
        if (symlink(path.c_str(), options.link.c_str()) != 0) fail("--link");
        path = options.link;
    }
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    Design board(options);
    board.reset();
    serve(board, terminal, options.baud);
    if (!options.link.empty()) unlink(options.link.c_str());
    return 0;
}
