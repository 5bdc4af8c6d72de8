// The promise: the attention kernels compute what a plain loop in double precision computes, write every number that is
// theirs and nothing else. They run here on the host, through cuda/emulation.
//
// Shapes: random packed batches of ragged segments, d from 2 to 128, one to three heads.
//
// Tolerances are derived for every number. With u = 2^-8, half a step of bfloat16, a kernel rounds its weights w (p or
// d_s) and its result y = sum(w z) once each: |error| <= u * sum|w z| + u * |y|, and float32 sums on top. In float32:
// 1e-5 of the largest number, or 3e-5 where scores of -200 carry their own rounding into the exponent. The gradients
// are compared with those at the kernels' own `mixed`, else its rounding would have to be allowed for as well.
//
// What bites: outputs start as NaN and lie between NaN guards, as inputs do, so a number that was left out or read from
// outside is no number here.
#include "../../src/ops/attention/kernel.cu"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

static int failures = 0;

static float value(float x) {
    return x;
}
static float value(bf16 x) {
    return __bfloat162float(x);
}

// COUNT numbers between guards, all NaN at first.
template <typename T>
struct Guarded {
    static constexpr size_t GUARD = 256;
    size_t count;
    std::vector<unsigned char> bytes;

    explicit Guarded(size_t count) : count(count), bytes(count * sizeof(T) + 2 * GUARD + 64, 0xff) {}
    T* data() {
        return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(bytes.data()) + GUARD + 63) / 64 * 64);
    }
    T& operator[](size_t i) {
        return data()[i];
    }
    bool untouched_outside() {
        const unsigned char *from = reinterpret_cast<unsigned char*>(data()), *to = from + count * sizeof(T);
        const unsigned char *first = bytes.data(), *end = first + bytes.size();
        const auto poison = [](unsigned char byte) { return byte == 0xff; };
        return std::all_of(first, from, poison) && std::all_of(to, end, poison);
    }
};

struct Batch {
    std::vector<int> lengths;
    int heads, size;
    // Added to queries and taken from keys: all scores are far below 0, where a key of zeros would outweigh every
    // other.
    float apart = 0;
    int tokens() const {
        int n = 0;
        for (int length : lengths) n += length;
        return n;
    }
    int width() const {
        return heads * size;
    }

    // Of every segment, longest first, as a host would.
    std::vector<int4> tiles(int rows) const {
        std::vector<int4> tiles;
        int first = 0;
        for (int length : lengths) {
            for (int begin = 0; begin < length; begin += rows) tiles.push_back(make_int4(first, length, begin, 0));
            first += length;
        }
        std::stable_sort(tiles.begin(), tiles.end(), [](const int4& a, const int4& b) { return a.y > b.y; });
        return tiles;
    }
};

// What is expected of one array, and how far a number may be off.
struct Expected {
    std::string name;
    std::vector<double> numbers, allowed;
    explicit Expected(const char* name, size_t count) : name(name), numbers(count), allowed(count) {}
};

struct Answers {
    Expected mixed, log_sum, delta, d_qkv;
    explicit Answers(const Batch& b)
        : mixed("mixed", size_t(b.tokens()) * b.width()),
          log_sum("log_sum", size_t(b.tokens()) * b.heads),
          delta("delta", size_t(b.tokens()) * b.heads),
          d_qkv("d_qkv", size_t(b.tokens()) * 3 * b.width()) {}
};

// The plain loop. `at` is the kernels' own mixed where the gradients shall be taken there. u and sums as in the head.
template <typename T>
static void plain(Answers& answers, const Batch& b, T* qkv, T* d_mixed, T* at, double u, double sums) {
    const int n = b.tokens(), width = b.width(), d = b.size;
    const double root = std::sqrt(double(d));
    std::vector<double>&dq = answers.d_qkv.numbers, &allowed = answers.d_qkv.allowed;
    int first = 0;
    for (int length : b.lengths) {
        for (int h = 0; h < b.heads; h++) {
            const auto in = [&](int row, int part, int i) {
                return double(value(qkv[size_t(first + row) * 3 * width + part * width + h * d + i]));
            };
            const auto out = [&](int row, int part, int i) {
                return size_t(first + row) * 3 * width + part * width + h * d + i;
            };
            std::vector<double> p(length), total(d), absolute(d);
            for (int q = 0; q < length; q++) {
                double top = -INFINITY, sum = 0, delta = 0, delta_absolute = 0;
                for (int k = 0; k < length; k++) {
                    p[k] = 0;
                    for (int i = 0; i < d; i++) p[k] += in(q, 0, i) * in(k, 1, i) / root;
                    top = std::max(top, p[k]);
                }
                for (double& weight : p) sum += weight = std::exp(weight - top);
                for (int i = 0; i < d; i++) {
                    double mixed = 0, absolute = 0;
                    for (int k = 0; k < length; k++) {
                        mixed += p[k] / sum * in(k, 2, i);
                        absolute += p[k] / sum * std::fabs(in(k, 2, i));
                    }
                    const size_t place = size_t(first + q) * width + h * d + i;
                    answers.mixed.numbers[place] = mixed;
                    answers.mixed.allowed[place] = u * (absolute + std::fabs(mixed)) + sums * absolute;
                    const double seen = u > 0 ? value(at[place]) : mixed, gradient = value(d_mixed[place]);
                    delta += gradient * seen;
                    delta_absolute += std::fabs(gradient * seen);
                }
                const size_t row = size_t(h) * n + first + q;
                answers.log_sum.numbers[row] = (top + std::log(sum)) / std::log(2.0);
                answers.log_sum.allowed[row] = sums * (1 + std::fabs(answers.log_sum.numbers[row]));
                answers.delta.numbers[row] = delta;
                answers.delta.allowed[row] = sums * delta_absolute;
                for (int k = 0; k < length; k++) {
                    const double weight = p[k] / sum;
                    double d_p = 0;
                    for (int i = 0; i < d; i++)
                        d_p += double(value(d_mixed[size_t(first + q) * width + h * d + i])) * in(k, 2, i);
                    const double d_score = weight * (d_p - delta) / root;
                    const double loose =
                        u * std::fabs(d_score) + sums * weight * (std::fabs(d_p) + delta_absolute) / root;
                    for (int i = 0; i < d; i++) {
                        const double gradient = value(d_mixed[size_t(first + q) * width + h * d + i]);
                        dq[out(q, 0, i)] += d_score * in(k, 1, i);
                        dq[out(k, 1, i)] += d_score * in(q, 0, i);
                        dq[out(k, 2, i)] += weight * gradient;
                        allowed[out(q, 0, i)] += loose * std::fabs(in(k, 1, i));
                        allowed[out(k, 1, i)] += loose * std::fabs(in(q, 0, i));
                        allowed[out(k, 2, i)] += (u + sums) * weight * std::fabs(gradient);
                    }
                }
            }
        }
        first += length;
    }
    for (size_t i = 0; i < dq.size(); i++) allowed[i] += u * std::fabs(dq[i]);
}

// `by`: numbers may be off by what is allowed for each, or by this much of the largest.
template <typename T>
static void compare(const char* kernel, const Expected& expected, Guarded<T>& seen, double by) {
    double largest = 0, worst = 0, off = 0;
    for (double number : expected.numbers) largest = std::max(largest, std::fabs(number));
    size_t place = 0;
    bool missing = false;
    for (size_t i = 0; i < expected.numbers.size(); i++) {
        const double error = std::fabs(value(seen[i]) - expected.numbers[i]);
        const double share = error / (by > 0 ? by * largest : expected.allowed[i] + 1e-30);
        missing = missing || std::isnan(share);
        if (std::isnan(share) || share > worst) worst = std::isnan(share) ? worst : share, place = i;
        off = std::max(off, error);
    }
    const bool outside = !seen.untouched_outside(), failed = missing || outside || worst > 1;
    failures += failed;
    std::printf("%s %-12s %-8s %9.2e of the largest, %5.2f of what is allowed%s%s\n", failed ? "FAILED" : "ok    ",
                kernel, expected.name.c_str(), off / largest, worst, missing ? ", some not written" : "",
                outside ? ", guards overwritten" : "");
    if (failed)
        std::printf("       number %zu is %g, expected %g\n", place, double(value(seen[place])),
                    expected.numbers[place]);
}

static void expect(bool holds, const char* kernel, const char* promise) {
    failures += !holds;
    if (!holds) std::printf("FAILED %-12s %s\n", kernel, promise);
}

// The kernels of one number type and head size.
template <typename T>
struct Kernels {
    int rows;
    size_t forward_bytes, backward_bytes;
    void (*rope)(T*, const float*, const float*, const int*, long long, int, int, int);
    void (*forward)(const T*, T*, float*, const int4*, long long, int, int);
    void (*delta)(const T*, const T*, float*, long long, int, int);
    void (*keys)(const T*, const T*, const float*, const float*, T*, const int4*, long long, int, int);
    void (*queries)(const T*, const T*, const float*, const float*, T*, const int4*, long long, int, int);
};

template <typename T>
static void check(const std::string& name, const Kernels<T>& kernels, const Batch& b, std::mt19937& random, double u,
                  double sums, double by, double growth) {
    const int n = b.tokens(), width = b.width(), half = b.size / 2;
    std::normal_distribution<float> normal;
    Guarded<T> qkv(size_t(n) * 3 * width), d_mixed(size_t(n) * width);
    for (size_t i = 0; i < qkv.count; i++) {
        // Later keys are larger: peaks have to move more than once within a segment.
        const double row = double(i / (3 * width)) / n, bigger = i / width % 3 == 1 ? 1 + growth * row : 1;
        const float shift = i / width % 3 == 0 ? b.apart : i / width % 3 == 1 ? -b.apart : 0;
        qkv[i] = T(normal(random) * float(bigger) + shift);
    }
    for (size_t i = 0; i < d_mixed.count; i++) d_mixed[i] = T(normal(random));

    // Rotary positions: forwards, compared; and back.
    // Neighbours in a batch are far apart in the table, and one place is many a token's.
    Guarded<float> cosine(size_t(n) * half), sine(size_t(n) * half);
    Guarded<int> positions(n);
    for (int i = 0; i < n; i++) positions[i] = i * 7 % n / 2 * 2;
    for (size_t i = 0; i < cosine.count; i++) {
        const float angle = 3 * normal(random);
        cosine[i] = std::cos(angle), sine[i] = std::sin(angle);
    }
    Guarded<T> turned = Guarded<T>(qkv.count);
    std::copy(qkv.data(), qkv.data() + qkv.count, turned.data());
    Expected rope("rope", qkv.count);
    for (size_t i = 0; i < qkv.count; i++) {
        const size_t row = i / (3 * width), column = i % (3 * width), within = column % b.size, pair = within % half;
        const size_t place = size_t(positions[row]) * half + pair;
        const double c = cosine[place], s = sine[place], x = value(qkv[i]);
        const double other = within < size_t(half) ? -value(qkv[i + half]) : value(qkv[i - half]);
        rope.numbers[i] = column < size_t(2 * width) ? x * c + other * s : x;
        rope.allowed[i] = u * std::fabs(rope.numbers[i]) + 1e-6 * (std::fabs(x) + std::fabs(other));
    }
    const auto turn = [&](int direction) {
        emulation::launch("rope", 3, THREADS, 0, [&] {
            kernels.rope(turned.data(), cosine.data(), sine.data(), positions.data(), n, width, b.heads, direction);
        });
    };
    turn(1);
    compare(name.c_str(), rope, turned, 0);
    turn(-1);
    Expected back("unrope", qkv.count);
    for (size_t i = 0; i < qkv.count; i++) back.numbers[i] = value(qkv[i]);
    compare(name.c_str(), back, turned, u > 0 ? 2 * u : 1e-6);

    // Attention.
    const std::vector<int4> tiles = b.tiles(kernels.rows);
    const dim3 grid(tiles.size(), b.heads);
    Guarded<T> mixed(size_t(n) * width), alone(size_t(n) * width), d_qkv(size_t(n) * 3 * width);
    Guarded<float> log_sum(size_t(n) * b.heads), delta(size_t(n) * b.heads);
    emulation::launch("forward", grid, THREADS, kernels.forward_bytes, [&] {
        kernels.forward(qkv.data(), mixed.data(), log_sum.data(), tiles.data(), n, width, b.size);
    });
    emulation::launch("delta", 2, THREADS, 0,
                      [&] { kernels.delta(mixed.data(), d_mixed.data(), delta.data(), n, width, b.size); });
    emulation::launch("keys", grid, THREADS, kernels.backward_bytes, [&] {
        kernels.keys(qkv.data(), d_mixed.data(), log_sum.data(), delta.data(), d_qkv.data(), tiles.data(), n, width,
                     b.size);
    });
    bool untouched = true;
    for (size_t i = 0; i < d_qkv.count; i++)
        untouched = untouched && (i % (3 * width) >= size_t(width) || std::isnan(value(d_qkv[i])));
    expect(untouched, name.c_str(), "the keys' kernel leaves the queries' gradients alone");
    emulation::launch("queries", grid, THREADS, kernels.backward_bytes, [&] {
        kernels.queries(qkv.data(), d_mixed.data(), log_sum.data(), delta.data(), d_qkv.data(), tiles.data(), n, width,
                        b.size);
    });
    Answers answers(b);
    plain<T>(answers, b, qkv.data(), d_mixed.data(), mixed.data(), u, sums);
    compare(name.c_str(), answers.mixed, mixed, by);
    compare(name.c_str(), answers.log_sum, log_sum, by);
    compare(name.c_str(), answers.delta, delta, by);
    compare(name.c_str(), answers.d_qkv, d_qkv, by);

    emulation::launch("forward", grid, THREADS, kernels.forward_bytes,
                      [&] { kernels.forward(qkv.data(), alone.data(), nullptr, tiles.data(), n, width, b.size); });
    expect(std::equal(mixed.data(), mixed.data() + mixed.count, alone.data(),
                      [](T x, T y) { return value(x) == value(y); }),
           name.c_str(), "without log-sums the result is the same");
}

template <int HEAD>
static Kernels<bf16> plan(decltype(Kernels<bf16>::forward) forward, decltype(Kernels<bf16>::keys) keys,
                          decltype(Kernels<bf16>::queries) queries) {
    return {Plan<HEAD>::TILE,
            Plan<HEAD>::FORWARD_BYTES,
            Plan<HEAD>::BACKWARD_BYTES,
            rope_bf16,
            forward,
            attention_delta_bf16,
            keys,
            queries};
}

static Kernels<bf16> bfloat16_kernels(int size) {
#define OF(HEAD)                                                                   \
    plan<HEAD>(attention_forward_bf16_##HEAD, attention_backward_keys_bf16_##HEAD, \
               attention_backward_queries_bf16_##HEAD)
    return size <= 16 ? OF(16) : size <= 32 ? OF(32) : size <= 64 ? OF(64) : OF(128);
#undef OF
}

static Kernels<float> float32_kernels(int size) {
    return {Reference::TILE,
            size_t(Reference::forward_bytes(size)),
            size_t(Reference::backward_bytes(size)),
            rope_f32,
            attention_forward_f32,
            attention_delta_f32,
            attention_backward_keys_f32,
            attention_backward_queries_f32};
}

// 8 rows of one chunk are what a matrix load reads at a time: they have to lie on all 32 banks, 4 of them each.
template <int HEAD>
static void check_banks() {
    for (int row = 0; row < Plan<HEAD>::TILE; row += 8) {
        for (int chunk = 0; chunk < HEAD / 8; chunk++) {
            unsigned touched = 0;
            for (int i = 0; i < 8; i++) touched |= 1u << place<HEAD>(row + i, chunk) / 8 % 8;
            expect(touched == 0xff, "banks", "8 rows of one chunk lie on different banks");
        }
    }
}

int main() {
    check_banks<16>(), check_banks<32>(), check_banks<64>(), check_banks<128>();
    std::mt19937 random(20250904);
    const std::vector<int> ragged = {65, 1, 200, 17, 64, 2, 130, 63}, some = {130, 1, 33, 64};
    const Batch batches[] = {{some, 3, 2},       {ragged, 2, 6},         {some, 2, 16}, {some, 1, 24},
                             {ragged, 1, 64},    {some, 2, 62},          {some, 1, 96}, {ragged, 1, 128},
                             {{451, 20}, 1, 64}, {{17, 70}, 1, 64, 4.5f}};
    for (const Batch& batch : batches) {
        const std::string size = std::to_string(batch.size);
        check<bf16>("bf16 d=" + size, bfloat16_kernels(batch.size), batch, random, 1.0 / 256, 1e-4, 0, 3);
        check<float>("f32 d=" + size, float32_kernels(batch.size), batch, random, 0, 0, batch.apart > 0 ? 3e-5 : 1e-5,
                     1);
    }
    std::printf("%d failures\n", failures);
    return failures != 0;
}
