// The named networks. Each is a function that reads like the paper's table and says where it comes from; its
// options have the published values as defaults. `width` multiplies every layer's channels, rounded to
// multiples of 8. Parameters have the names and the order of the PyTorch implementation that is named.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace frugal {

/// How a network begins: as published for photographs of 224 pixels, or without its first strides and pools,
/// for 32.
enum class Stem { imagenet, cifar };

struct SmallNetOptions {
  int convs = 3;               // 2: the author's network before he added a convolution
  bool batch_norm = true;      // behind each convolution
  float conv_dropout = 0.1f;   // in each convolution block
  float dense_dropout = 0.2f;  // between the dense layers
  int64_t dense_width = 420;   // he also tried 200 and 400
  double width = 1;
};
/// The notebook's network: three blocks of convolution, batch-norm, ReLU, dropout and pooling, then two dense
/// layers. 996,376 parameters for 100 classes of 32x32x3. Needs images of at least 8x8.
Graph smallnet(Shape input, int64_t classes, const SmallNetOptions& options = {});

/// The notebook's first network, as its discussion implies; docs/decisions.md says how it was reconstructed.
/// 858,892 parameters for 100 classes of 32x32x3.
Graph baseline(Shape input, int64_t classes, double width = 1);

struct CifarResNetOptions {
  int depth = 20;       // 6n + 2
  char shortcut = 'A';  // A: every second position, zero channels; B: 1x1 convolution and batch-norm
  bool squeeze_excite = false;
  bool zero_init = false;  // of the last norm of each block (Goyal et al. 2017)
  double width = 1;
};
/// He et al. 2016, section 4.2; akamaster/pytorch_resnet_cifar10. With squeeze-and-excitation in every block:
/// Hu et al. 2018; moskomule/senet.pytorch.
Graph cifar_resnet(Shape input, int64_t classes, const CifarResNetOptions& options = {});

struct PreActResNetOptions {
  int depth = 164;  // 9n + 2
  double width = 1;
};
/// He et al. 2016, "Identity mappings in deep residual networks": pre-activation bottlenecks, for CIFAR;
/// KaimingHe/resnet-1k-layers.
Graph preact_resnet(Shape input, int64_t classes, const PreActResNetOptions& options = {});

struct ResNetOptions {
  int depth = 18;  // 18, 34, 50
  Stem stem = Stem::imagenet;
  bool zero_init = false;  // torchvision's zero_init_residual
  double width = 1;
};
/// He et al. 2016, table 1; torchvision, whose ResNet-50 has the stride in the 3x3 convolution.
Graph resnet(Shape input, int64_t classes, const ResNetOptions& options = {});

struct WideResNetOptions {
  int depth = 16;     // 6n + 4
  int64_t widen = 2;  // the K of WRN-D-K
  float dropout = 0;  // between a block's convolutions; the paper's is 0.3
  double width = 1;
};
/// Zagoruyko & Komodakis 2016; xternalz/WideResNet-pytorch.
Graph wide_resnet(Shape input, int64_t classes, const WideResNetOptions& options = {});

struct DenseNetOptions {
  int depth = 100;         // 6n + 4
  int64_t growth = 12;     // channels that each layer adds
  double reduction = 0.5;  // of the channels between dense blocks
  float dropout = 0;       // behind each layer; the paper's without augmentation is 0.2
  double width = 1;        // of the growth, rounded to multiples of 4
};
/// Huang et al. 2017, DenseNet-BC for CIFAR; torchvision's names.
Graph densenet_bc(Shape input, int64_t classes, const DenseNetOptions& options = {});

struct VggOptions {
  int depth = 16;  // 11, 16
  double width = 1;
};
/// Simonyan & Zisserman 2015, columns A and D, with batch-norm and one dense layer, the usual form for CIFAR;
/// kuangliu/pytorch-cifar. Needs images of at least 32x32.
Graph vgg(Shape input, int64_t classes, const VggOptions& options = {});

struct SqueezeNetOptions {
  float dropout = 0.5f;
  double width = 1;
};
/// Iandola et al. 2016, version 1.1 of the authors' repository; torchvision. Needs images of at least 17x17.
Graph squeezenet1_1(Shape input, int64_t classes, const SqueezeNetOptions& options = {});

struct MobileNetV2Options {
  Stem stem = Stem::imagenet;
  float dropout = 0.2f;
  bool zero_init = false;  // of the last norm of residual blocks
  double width = 1;
};
/// Sandler et al. 2018, table 2; torchvision.
Graph mobilenetv2(Shape input, int64_t classes, const MobileNetV2Options& options = {});

struct ConvMixerOptions {
  int64_t dim = 256;
  int depth = 8;
  int kernel = 5;  // odd
  int patch = 2;
  double width = 1;
};
/// Trockman & Kolter 2022; timm's names.
Graph convmixer(Shape input, int64_t classes, const ConvMixerOptions& options = {});

struct NinOptions {
  float dropout = 0.5f;
  double width = 1;
};
/// Lin et al. 2013, "Network in network", for CIFAR; the first author's Caffe model.
Graph nin(Shape input, int64_t classes, const NinOptions& options = {});

struct AirbenchOptions {
  int version = 94;  // 94, 96
  double width = 1;
};
/// Keller Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU"; KellerJordan/cifar10-airbench.
Graph airbench(Shape input, int64_t classes, const AirbenchOptions& options = {});

/// The network of a spec ("smallnet", "wrn-16-2:dropout=0.3,init=orthogonal"). Besides its own options every
/// network takes `width` and `init`, which replaces how its convolutions' and linear layers' weights start.
/// `head` ("head=512|100") puts dense layers of these widths, with ReLU between them, in place of the last
/// one. An unknown name is a usage error that gives the nearest and the known ones; an image too small for
/// the network names the layer. A spec that names a file ("nets/my.toml:width=96") is read from it
/// (model_file.h).
Graph make_model(const std::string& text, Shape input, int64_t classes);

/// The spec with other last layers: widths as "512,100", the last of which is the number of classes.
std::string with_head(const std::string& spec, const std::string& widths);

/// A usage error, as make_model's, when there is no model of the spec's name; its options are not looked at.
void require_model(const std::string& spec);

/// The network that was made before, when `model_file` was the Graph's of that name.
Graph remake_model(const std::string& spec, const std::string& model_file, Shape input, int64_t classes);

/// The spec's name alone, for files and directories to be called by: "wrn-16-2", "my" of "nets/my.toml".
std::string model_label(const std::string& spec);

/// "smallnet", "wrn-D-K": capitals stand for numbers.
std::vector<std::string> model_names();

/// A name of each that make_model takes: "smallnet", "wrn-16-2".
std::vector<std::string> model_examples();

}  // namespace frugal
