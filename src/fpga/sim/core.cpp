// The core alone, Verilated, its streams on standard input and output (requests.h): for tests that count cycles or let streams
// pause.

#include "Vernscope_core.h"
#include "requests.h"
#include "verilated.h"

#include <memory>

namespace {

class Core : public Streams {
public:
    Core() : core_(new Vernscope_core) {
        core_->rst = 1;
        for (int i = 0; i < 4; ++i) cycle();
        core_->rst = 0;
    }

    void final() { core_->final(); }

private:
    bool cycle() override {
        bool moved = false;
        core_->program_valid = !program_.empty() && !pauses();
        core_->program_data = program_.empty() ? 0 : program_.front();
        core_->frame_valid = !frame_.empty() && !pauses();
        core_->frame_data = frame_.empty() ? 0 : frame_.front();
        core_->weight_valid = weightsOffered() && !pauses();
        if (core_->weight_valid) std::copy_n(weightBeat(), 4, &core_->weight_data[0]);
        core_->weight_last = core_->weight_valid && weightsLast();
        core_->result_ready = !pauses();
        core_->read_ready = !pauses();
        core_->clk = 0;
        core_->eval();
        if (core_->program_valid && core_->program_ready) {
            program_.pop_front();
            moved = true;
        }
        if (core_->frame_valid && core_->frame_ready) {
            beatTaken();
            moved = true;
        }
        const bool weightsTaken = core_->weight_valid && core_->weight_ready;
        weightsMove(weightsTaken);
        moved = moved || weightsTaken;
        if (core_->result_valid && core_->result_ready) {
            resultCame(core_->result_data, core_->result_fault);
            moved = true;
        }
        if (core_->read_valid && core_->read_ready) {
            readBackCame(core_->read_data);
            moved = true;
        }
        core_->clk = 1;
        core_->eval();
        return moved;
    }

    std::unique_ptr<Vernscope_core> core_;
};

}  // namespace

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    Core core;
    while (serve(core)) {
    }
    core.final();
    return 0;
}
