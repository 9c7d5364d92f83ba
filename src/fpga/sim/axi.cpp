// The accelerator on its bus, Verilated, with what a processor would do at the other end, on standard input and output
// (requests.h). Address and data of a write come in either order, every handshake may pause; what the bus refuses is tried again
// when STATUS says so, and some accesses are made only to be refused.

#include "Vernscope_axi.h"
#include "requests.h"
#include "verilated.h"

#include <cstdlib>
#include <memory>

namespace {

constexpr std::uint32_t kMagic = 0x4552'4e31;
constexpr std::uint8_t kCommand = 0, kAnswer = 4, kStatus = 8, kIdentity = 12;
constexpr std::uint32_t kTakesWord = 1, kHasAnswer = 2;
constexpr std::uint8_t kOkay = 0, kRefused = 2;

// A handshake that stands once it is offered, as the bus wants it.
struct Offer {
    bool stands = false;

    // Whether it stands in this cycle: offered where wanted, unless it pauses.
    bool offer(bool wanted, bool pauses) {
        stands = stands || (wanted && !pauses);
        return stands;
    }
};

class Axi : public Streams {
public:
    Axi() : axi_(new Vernscope_axi) {
        axi_->aresetn = 0;
        for (int i = 0; i < 4; ++i) tick();
        axi_->aresetn = 1;
    }

    void final() { axi_->final(); }

private:
    void tick() {
        axi_->aclk = 0;
        axi_->eval();
        axi_->aclk = 1;
        axi_->eval();
    }

    [[noreturn]] static void wrong(const char* what) {
        std::fprintf(stderr, "bus: %s\n", what);
        std::exit(3);
    }

    bool cycle() override {
        offerWrite();
        offerRead();
        axi_->s_axis_frame_tvalid = beat_.offer(!frame_.empty(), pauses());
        axi_->s_axis_frame_tdata = frame_.empty() ? 0 : frame_.front();
        axi_->s_axis_weight_tvalid = weight_.offer(weightsOffered(), pauses());
        if (axi_->s_axis_weight_tvalid) std::copy_n(weightBeat(), 4, &axi_->s_axis_weight_tdata[0]);
        axi_->s_axis_weight_tlast = axi_->s_axis_weight_tvalid && weightsLast();
        axi_->m_axis_result_tready = !pauses();
        axi_->aclk = 0;
        axi_->eval();
        const bool moved = settle();
        axi_->aclk = 1;
        axi_->eval();
        return moved;
    }

    // A write: the next word, now and then in half or where nothing can be written, which must be refused.
    void offerWrite() {
        if (!writing_ && !program_.empty() && takesWord_) {
            writing_ = true;
            ++writes_;
            half_ = writes_ % 97 == 5;
            elsewhere_ = writes_ % 89 == 7;
        }
        axi_->s_axil_awvalid = address_.offer(writing_ && !addressTaken_, pauses());
        axi_->s_axil_wvalid = data_.offer(writing_ && !dataTaken_, pauses());
        axi_->s_axil_awaddr = elsewhere_ ? kStatus : kCommand;
        axi_->s_axil_wdata = program_.empty() ? 0 : program_.front();
        axi_->s_axil_wstrb = half_ ? 0x3 : 0xf;
        axi_->s_axil_bready = !pauses();
    }

    // A read: what STATUS says, and the answers that it tells of; once the identity, and an answer that is not there.
    void offerRead() {
        if (!reading_) {
            reading_ = true;
            ++reads_;
            readFrom_ = reads_ == 1 ? kIdentity : reads_ == 2 ? kAnswer : hasAnswer_ ? kAnswer : kStatus;
        }
        axi_->s_axil_arvalid = readAddress_.offer(!readTaken_, pauses());
        axi_->s_axil_araddr = readFrom_;
        axi_->s_axil_rready = !pauses();
    }

    // What the design takes and gives in this cycle.
    bool settle() {
        bool moved = false;
        if (axi_->s_axil_awvalid && axi_->s_axil_awready) {
            addressTaken_ = true;
            address_.stands = false;
        }
        if (axi_->s_axil_wvalid && axi_->s_axil_wready) {
            dataTaken_ = true;
            data_.stands = false;
        }
        if (axi_->s_axil_bvalid && axi_->s_axil_bready) moved = written();
        if (axi_->s_axil_arvalid && axi_->s_axil_arready) {
            readTaken_ = true;
            readAddress_.stands = false;
        }
        if (axi_->s_axil_rvalid && axi_->s_axil_rready) moved = read() || moved;
        if (axi_->s_axis_frame_tvalid && axi_->s_axis_frame_tready) {
            beat_.stands = false;
            beatTaken();
            moved = true;
        }
        const bool weightsTaken = axi_->s_axis_weight_tvalid && axi_->s_axis_weight_tready;
        if (weightsTaken) weight_.stands = false;
        weightsMove(weightsTaken);
        moved = moved || weightsTaken;
        if (axi_->m_axis_result_tvalid && axi_->m_axis_result_tready) {
            resultCame(axi_->m_axis_result_tdata, axi_->m_axis_result_tuser);
            moved = true;
        }
        return moved;
    }

    bool written() {
        if (!writing_ || !addressTaken_ || !dataTaken_) wrong("an answer to no write");
        const bool refused = axi_->s_axil_bresp == kRefused;
        if (!refused && (half_ || elsewhere_)) wrong("a wrong write is not refused");
        if (refused && !half_ && !elsewhere_) takesWord_ = false;
        if (!refused) program_.pop_front();
        writing_ = addressTaken_ = dataTaken_ = half_ = elsewhere_ = false;
        return !refused;
    }

    bool read() {
        if (!readTaken_) wrong("an answer to no read");
        const bool refused = axi_->s_axil_rresp != kOkay;
        const std::uint32_t word = axi_->s_axil_rdata;
        reading_ = readTaken_ = false;
        switch (readFrom_) {
        case kIdentity:
            if (refused || word != kMagic) wrong("another identity");
            return true;
        case kStatus:
            if (refused) wrong("STATUS is refused");
            takesWord_ = word & kTakesWord;
            hasAnswer_ = word & kHasAnswer;
            return false;
        default:
            if (refused && hasAnswer_) wrong("an answer that was told of is not there");
            if (!refused && !hasAnswer_) wrong("an answer to no question");
            hasAnswer_ = false;
            if (!refused) readBackCame(word);
            return !refused;
        }
    }

    std::unique_ptr<Vernscope_axi> axi_;
    Offer address_, data_, readAddress_, beat_, weight_;
    bool writing_ = false, addressTaken_ = false, dataTaken_ = false;
    bool half_ = false, elsewhere_ = false, takesWord_ = true;
    bool reading_ = false, readTaken_ = false, hasAnswer_ = false;
    std::uint8_t readFrom_ = 0;
    std::uint64_t writes_ = 0, reads_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    Axi axi;
    while (serve(axi)) {
    }
    axi.final();
    return 0;
}
