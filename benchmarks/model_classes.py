"""Table of model classes: each opened with random weights, and what of it is read and proved, or refused and why.

    python benchmarks/model_classes.py           # writes the table of docs/your-model.md anew

Needs the peers (`make peers`). Where torchvision is missing, which timm imports and these networks do not use, an empty
module stands in for it.
"""

import re
import sys
from collections import Counter
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch
from torch.nn.functional import pixel_unshuffle

from nonlocal_core import InputSpec, ModelSpec, NonlocalError, Session

PAGE = Path(__file__).resolve().parents[1] / "docs" / "your-model.md"
WIDTHS = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3}
PLAIN = {"image_size": 64, "patch_size": 16, **WIDTHS}
LINED = {**PLAIN, "intermediate_size": 32}
SWIN = {"image_size": 64, "patch_size": 4, "embed_dim": 24, "depths": [2, 2], "num_heads": [1, 2], "window_size": 4}
STAGES = {"hidden_sizes": [12, 24, 36, 48], "num_attention_heads": [1, 2, 3, 4], "depths": [1, 1, 1, 1]}

DECODER = (
    {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None, "num_queries": 7}
    | {"d_model": 24, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_layers": 2, "decoder_layers": 2}
    | {"encoder_attention_heads": 3, "decoder_attention_heads": 3, "backbone_config": "ResNetConfig"}
)

TRANSFORMERS = {
    "ViTModel": ("ViTConfig", LINED),
    "DeiTModel": ("DeiTConfig", LINED),
    "BeitModel": ("BeitConfig", LINED | {"use_relative_position_bias": True}),
    "Data2VecVisionModel": ("Data2VecVisionConfig", LINED | {"use_relative_position_bias": True}),
    "Dinov2Model": ("Dinov2Config", PLAIN),
    "Dinov2WithRegistersModel": ("Dinov2WithRegistersConfig", PLAIN | {"num_register_tokens": 4}),
    "DINOv3ViTModel": ("DINOv3ViTConfig", LINED | {"num_register_tokens": 4}),
    "CLIPVisionModel": ("CLIPVisionConfig", LINED),
    "SiglipVisionModel": ("SiglipVisionConfig", LINED),
    "AltCLIPVisionModel": ("AltCLIPVisionConfig", LINED),
    "ChineseCLIPVisionModel": ("ChineseCLIPVisionConfig", LINED),
    "OwlViTVisionModel": ("OwlViTVisionConfig", LINED),
    "BlipVisionModel": ("BlipVisionConfig", LINED),
    "Blip2VisionModel": ("Blip2VisionConfig", LINED),
    "Aimv2VisionModel": ("Aimv2VisionConfig", LINED),
    "MLCDVisionModel": ("MLCDVisionConfig", LINED | {"hidden_size": 48}),
    "PixtralVisionModel": ("PixtralVisionConfig", LINED | {"hidden_size": 48}),
    "InternVLVisionModel": ("InternVLVisionConfig", LINED | {"image_size": [64, 64], "patch_size": [16, 16]}),
    "ViTMAEModel": ("ViTMAEConfig", LINED),
    "ViTMSNModel": ("ViTMSNConfig", LINED),
    "IJepaModel": ("IJepaConfig", LINED),
    "DPTModel": ("DPTConfig", LINED),
    "YolosModel": ("YolosConfig", LINED | {"image_size": [64, 64], "num_detection_tokens": 5}),
    "VitDetModel": (
        "VitDetConfig",
        PLAIN
        | {"patch_size": 8, "pretrain_image_size": 64, "window_size": 4, "window_block_indices": [0]}
        | {"use_relative_position_embeddings": True},
    ),
    "SamVisionModel": ("SamVisionConfig", PLAIN | {"patch_size": 8, "window_size": 3, "global_attn_indexes": [1]}),
    "SwinModel": ("SwinConfig", SWIN),
    "Swinv2Model": ("Swinv2Config", SWIN),
    "DonutSwinModel": ("DonutSwinConfig", SWIN),
    "SegformerModel": ("SegformerConfig", STAGES),
    "PvtModel": ("PvtConfig", STAGES | {"image_size": 64}),
    "PvtV2Model": ("PvtV2Config", STAGES),
    "GLPNModel": ("GLPNConfig", STAGES),
    "HieraModel": (
        "HieraConfig",
        {"image_size": [128, 128], "embed_dim": 24, "depths": [1, 2, 2, 1], "num_heads": [1, 2, 4, 8]},
    ),
    "LevitModel": (
        "LevitConfig",
        {"image_size": 128, "hidden_sizes": [24, 48, 96], "num_attention_heads": [2, 4, 6], "depths": [2, 2, 2]}
        | {"key_dim": [8, 8, 8]},
    ),
    "MobileViTModel": ("MobileViTConfig", {"image_size": 64, "hidden_sizes": [24, 32, 40]}),
    "MobileViTV2Model": ("MobileViTV2Config", {"image_size": 64}),
    "DetrModel": ("DetrConfig", DECODER),
    "ConditionalDetrModel": ("ConditionalDetrConfig", DECODER),
    "DabDetrModel": ("DabDetrConfig", DECODER | {"hidden_size": 24}),
    "TableTransformerModel": ("TableTransformerConfig", DECODER),
    "FlavaImageModel": ("FlavaImageConfig", LINED),
    "CLIPSegVisionModel": ("CLIPSegVisionConfig", LINED),
    "GroupViTVisionModel": (
        "GroupViTVisionConfig",
        LINED | {"depths": [1, 1], "num_group_tokens": [4, 0], "num_output_groups": [4, 0]},
    ),
    "MaskFormerSwinModel": ("MaskFormerSwinConfig", SWIN),
    "VitPoseBackbone": ("VitPoseBackboneConfig", PLAIN | {"image_size": [64, 48], "patch_size": [16, 16]}),
    "EomtForUniversalSegmentation": (
        "EomtConfig",
        PLAIN | {"num_queries": 6, "num_blocks": 1, "num_upscale_blocks": 1},
    ),
    "SwiftFormerModel": ("SwiftFormerConfig", {"depths": [1, 1, 1, 1], "embed_dims": [12, 24, 36, 48]}),
    "VJEPA2Model": (
        "VJEPA2Config",
        {"crop_size": 64, "patch_size": 16, "frames_per_clip": 4, "hidden_size": 48, "num_attention_heads": 4}
        | {"num_hidden_layers": 2, "pred_hidden_size": 24, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1},
    ),
    "Owlv2VisionModel": ("Owlv2VisionConfig", LINED),
    "SamHQVisionModel": (
        "SamHQVisionConfig",
        PLAIN | {"patch_size": 8, "window_size": 3, "global_attn_indexes": [1]},
    ),
    "GitVisionModel": ("GitVisionConfig", LINED),
    "SiglipForImageClassification": ("SiglipConfig", {"vision_config": LINED}),
    "MgpstrModel": ("MgpstrConfig", WIDTHS | {"image_size": [32, 64], "patch_size": 4, "distilled": False}),
    "Swin2SRModel": ("Swin2SRConfig", SWIN | {"patch_size": 1, "depths": [2], "num_heads": [2]}),
    "PoolFormerModel": ("PoolFormerConfig", {"hidden_sizes": [12, 24, 36, 48], "depths": [1, 1, 1, 1]}),
    "FocalNetModel": (
        "FocalNetConfig",
        {"image_size": 64, "embed_dim": 24, "depths": [1, 1], "hidden_sizes": [24, 48]}
        | {"focal_levels": [2, 2], "focal_windows": [3, 3]},
    ),
    "MetaClip2VisionModel": ("MetaClip2VisionConfig", LINED),
    "InstructBlipVisionModel": ("InstructBlipVisionConfig", LINED),
    "SegformerForSemanticSegmentation": ("SegformerConfig", STAGES | {"decoder_hidden_size": 16}),
    "ConvNextModel": ("ConvNextConfig", {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}),
    "VideoMAEModel": ("VideoMAEConfig", LINED),
    "VivitModel": ("VivitConfig", WIDTHS | {"image_size": 64, "num_frames": 32, "tubelet_size": [2, 16, 16]}),
    "TimesformerModel": ("TimesformerConfig", LINED),
    "JanusVisionModel": ("JanusVisionConfig", LINED),
    "BeitForSemanticSegmentation": (
        "BeitConfig",
        LINED
        | {"use_relative_position_bias": True, "num_hidden_layers": 4, "out_indices": [0, 1, 2, 3]}
        | {"reshape_hidden_states": False},
    ),
    "DPTForDepthEstimation": (
        "DPTConfig",
        LINED
        | {"num_hidden_layers": 4, "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [8, 8, 8, 8]}
        | {"fusion_hidden_size": 8},
    ),
    "TimesformerForVideoClassification": ("TimesformerConfig", LINED),
    "ViTForMaskedImageModeling": ("ViTConfig", LINED),
    "XCLIPVisionModel": ("XCLIPVisionConfig", LINED | {"num_frames": 4}),
}
"""Model class, its configuration and what is small in it."""

TWO = {"block_out_channels": (16, 32), "norm_num_groups": 4}
CODED = TWO | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
WORDS = 5
NOISED = {"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 3, "num_layers": 2, "patch_size": 2}
DIFFUSERS = {
    "AutoencoderKL": (CODED | {"latent_channels": 4}, ()),
    "VQModel": (CODED | {"latent_channels": 4}, ()),
    "UNet2DModel": (
        TWO
        | {"layers_per_block": 1, "attention_head_dim": 8, "down_block_types": ("DownBlock2D", "AttnDownBlock2D")}
        | {"up_block_types": ("AttnUpBlock2D", "UpBlock2D")},
        ("timestep",),
    ),
    "UNet2DConditionModel": (
        TWO
        | {"in_channels": 3, "layers_per_block": 1, "attention_head_dim": 2, "cross_attention_dim": 24}
        | {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")}
        | {"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")},
        ("timestep", "encoder_hidden_states"),
    ),
    "PixArtTransformer2DModel": (
        NOISED
        | {"sample_size": 16, "out_channels": 6, "cross_attention_dim": 24, "caption_channels": 24}
        | {"use_additional_conditions": False},
        ("timestep", "encoder_hidden_states", "added_cond_kwargs"),
    ),
    "DiTTransformer2DModel": (
        NOISED | {"sample_size": 16, "out_channels": 3, "norm_num_groups": 1, "num_embeds_ada_norm": 7},
        ("timestep", "class_labels"),
    ),
    "SD3Transformer2DModel": (
        NOISED
        | {"sample_size": 16, "out_channels": 3, "joint_attention_dim": 24, "caption_projection_dim": 24}
        | {"pooled_projection_dim": 24},
        ("timestep", "encoder_hidden_states", "pooled_projections"),
    ),
    "AuraFlowTransformer2DModel": (
        {"sample_size": 16, "patch_size": 2, "in_channels": 3, "out_channels": 3, "pos_embed_max_size": 64}
        | {"num_mmdit_layers": 1, "num_single_dit_layers": 1, "attention_head_dim": 12, "num_attention_heads": 2}
        | {"joint_attention_dim": 24, "caption_projection_dim": 24},
        ("timestep", "encoder_hidden_states"),
    ),
    "FluxTransformer2DModel": (
        {"patch_size": 1, "in_channels": 12, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16}
        | {
            "num_attention_heads": 2,
            "joint_attention_dim": 24,
            "pooled_projection_dim": 24,
            "axes_dims_rope": (4, 6, 6),
        },
        ("timestep", "encoder_hidden_states", "pooled_projections", "img_ids", "txt_ids"),
    ),
    "SanaTransformer2DModel": (
        NOISED
        | {"num_layers": 1, "num_cross_attention_heads": 2, "cross_attention_head_dim": 12, "cross_attention_dim": 24}
        | {"caption_channels": 24, "sample_size": 16, "out_channels": 3},
        ("timestep", "encoder_hidden_states"),
    ),
    "ControlNetModel": (
        TWO
        | {"in_channels": 3, "layers_per_block": 1, "attention_head_dim": 2, "cross_attention_dim": 24}
        | {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")}
        | {"conditioning_embedding_out_channels": (8, 16)},
        ("timestep", "encoder_hidden_states", "controlnet_cond"),
    ),
    "CogView4Transformer2DModel": (
        {"patch_size": 2, "in_channels": 3, "out_channels": 3, "num_layers": 2, "attention_head_dim": 16}
        | {"num_attention_heads": 2, "text_embed_dim": 24, "time_embed_dim": 8, "condition_dim": 8}
        | {"rope_axes_dim": (64, 64)},
        ("timestep", "encoder_hidden_states", "original_size", "target_size", "crop_coords"),
    ),
    "ChromaTransformer2DModel": (
        {"patch_size": 1, "in_channels": 12, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16}
        | {"num_attention_heads": 2, "joint_attention_dim": 24, "axes_dims_rope": (4, 6, 6)}
        | {"approximator_num_channels": 8, "approximator_hidden_dim": 16, "approximator_layers": 1},
        ("timestep", "encoder_hidden_states", "img_ids", "txt_ids"),
    ),
    "AsymmetricAutoencoderKL": (
        {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
        | {"down_block_out_channels": (16, 32), "up_block_out_channels": (16, 32)}
        | {"norm_num_groups": 4, "latent_channels": 4},
        (),
    ),
    "Lumina2Transformer2DModel": (
        {"sample_size": 16, "patch_size": 2, "in_channels": 3, "hidden_size": 24, "num_layers": 1}
        | {"num_refiner_layers": 1, "num_attention_heads": 2, "num_kv_heads": 1, "multiple_of": 16}
        | {"axes_dim_rope": (4, 4, 4), "axes_lens": (16, 16, 16), "cap_feat_dim": 24},
        ("timestep", "encoder_hidden_states", "encoder_attention_mask"),
    ),
}
"""Model class, what is small in it, and what it is called with beside the frames."""

TINY = {"num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 3, "out_channels": 3, "num_layers": 2}
ON_CLIPS = {
    "LTXVideoTransformer3DModel": (
        TINY | {"cross_attention_dim": 24, "caption_channels": 24},
        lambda model, clip: (
            model(clip.flatten(2).mT, words(), NOW, all_seen(), num_frames=clip.shape[2], height=16, width=16).sample
        ),
    ),
    "WanTransformer3DModel": (
        TINY | {"patch_size": (1, 2, 2), "text_dim": 24, "freq_dim": 24, "ffn_dim": 32},
        lambda model, clip: model(clip, NOW, words()).sample,
    ),
    "MochiTransformer3DModel": (
        TINY
        | {"attention_head_dim": 8, "patch_size": 2, "pooled_projection_dim": 16, "text_embed_dim": 24}
        | {"time_embed_dim": 16},
        lambda model, clip: model(clip, words(), NOW, all_seen()).sample,
    ),
    "HunyuanVideoTransformer3DModel": (
        TINY
        | {"num_layers": 1, "num_single_layers": 1, "num_refiner_layers": 1, "patch_size": 2, "patch_size_t": 1}
        | {"text_embed_dim": 24, "pooled_projection_dim": 24, "rope_axes_dim": (4, 4, 4), "guidance_embeds": False},
        lambda model, clip: model(clip, NOW, words(), all_seen(), torch.ones(1, 24)).sample,
    ),
    "LatteTransformer3DModel": (
        TINY
        | {"num_layers": 1, "patch_size": 2, "sample_size": 16, "caption_channels": 24, "cross_attention_dim": 24}
        | {"norm_elementwise_affine": False, "norm_eps": 1e-6, "video_length": 2},
        lambda model, clip: model(clip, NOW, encoder_hidden_states=words()).sample,
    ),
    "CogVideoXTransformer3DModel": (
        TINY
        | {"attention_head_dim": 32, "patch_size": 2, "text_embed_dim": 24, "max_text_seq_length": WORDS}
        | {"sample_width": 16, "sample_height": 16, "sample_frames": 5, "time_embed_dim": 8},
        lambda model, clip: model(clip.transpose(1, 2), words(), NOW).sample,
    ),
    "AllegroTransformer3DModel": (
        TINY
        | {"patch_size": 2, "patch_size_t": 1, "cross_attention_dim": 24, "caption_channels": 24}
        | {"sample_height": 16, "sample_width": 16, "sample_frames": 2},
        lambda model, clip: model(clip, words(), NOW, encoder_attention_mask=all_seen(), image_rotary_emb=None).sample,
    ),
    "SkyReelsV2Transformer3DModel": (
        TINY | {"patch_size": (1, 2, 2), "text_dim": 24, "freq_dim": 24, "ffn_dim": 32},
        lambda model, clip: model(clip, NOW, words()).sample,
    ),
    "UNet3DConditionModel": (
        TWO
        | {"in_channels": 3, "out_channels": 3, "layers_per_block": 1, "attention_head_dim": 8}
        | {"cross_attention_dim": 24, "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D")}
        | {"up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D")},
        lambda model, clip: model(clip, NOW, words()).sample,
    ),
    "UNetMotionModel": (
        TWO
        | {"in_channels": 3, "out_channels": 3, "layers_per_block": 1, "num_attention_heads": 2}
        | {"motion_num_attention_heads": 2, "motion_max_seq_length": 8, "cross_attention_dim": 24}
        | {"down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion")}
        | {"up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion")},
        lambda model, clip: model(clip, NOW, words().expand(clip.shape[2], -1, -1)).sample,
    ),
    "AutoencoderKLWan": (
        {"base_dim": 8, "z_dim": 4, "dim_mult": [1, 2], "num_res_blocks": 1, "temperal_downsample": [False]}
        | {"latents_mean": [0.0] * 4, "latents_std": [1.0] * 4},
        lambda model, clip: model(clip).sample,
    ),
    "CosmosTransformer3DModel": (
        TINY
        | {"mlp_ratio": 2, "text_embed_dim": 24, "adaln_lora_dim": 8, "max_size": (8, 16, 16)}
        | {"patch_size": (1, 2, 2), "concat_padding_mask": False, "extra_pos_embed_type": None},
        lambda model, clip: model(clip, NOW.float(), words()).sample,
    ),
}
"""Model class of clips, what is small in it, and how it is called with 16 x 16 latents."""
NOW = torch.tensor([5])


def words():
    """Return a text of a few words."""
    return torch.ones(1, WORDS, 24) * torch.arange(WORDS)[:, None] * 0.3 + torch.arange(24) * 0.01


def all_seen():
    """Return the mask that leaves them all."""
    return torch.ones(1, WORDS)


SMALL = {"img_size": 64, "embed_dim": 24, "num_heads": 3, "depth": 2}
WINDOWS = {"img_size": 64, "window_size": 4, "embed_dim": 24, "depths": (2, 2), "num_heads": (1, 2)}
TIMM = {
    "vit_tiny_patch16_224": SMALL,
    "deit_tiny_distilled_patch16_224": SMALL,
    "vit_small_patch14_reg4_dinov2": SMALL | {"img_size": 56},
    "vit_relpos_small_patch16_224": SMALL,
    "vit_srelpos_small_patch16_224": SMALL,
    "beit_base_patch16_224": SMALL,
    "beitv2_base_patch16_224": SMALL,
    "eva_giant_patch14_224": SMALL | {"img_size": 56},
    "eva02_tiny_patch14_224": SMALL | {"img_size": 56},
    "vit_small_patch16_dinov3": SMALL,
    "vit_small_patch16_rope_224": SMALL,
    "vit_small_patch16_rope_mixed_224": SMALL,
    "vit_pe_core_tiny_patch16_384": SMALL,
    "samvit_base_patch16": SMALL | {"img_size": 128, "window_size": 3, "global_attn_indexes": (1,)},
    "swin_tiny_patch4_window7_224": WINDOWS,
    "swinv2_tiny_window8_256": WINDOWS,
    "swinv2_cr_tiny_224": WINDOWS,
    "maxvit_tiny_tf_224": {},
    "pvt_v2_b0": {},
    "twins_pcpvt_small": {},
    "twins_svt_small": {},
    "pit_ti_224": {},
    "mvitv2_tiny": {},
    "hiera_tiny_224": {},
    "cait_xxs24_224": SMALL,
    "xcit_nano_12_p16_224": SMALL,
    "convit_tiny": SMALL,
    "efficientvit_m0": {},
    "mobilevit_xxs": {},
    "mobilevitv2_050": {},
    "botnet26t_256": {},
    "lambda_resnet26t": {},
    "gcvit_xxtiny": {},
    "tiny_vit_5m_224": {},
    "davit_tiny": {"depths": (1, 1, 1, 1)},
    "nest_tiny": {},
    "crossvit_tiny_240": {},
    "coat_tiny": {},
    "levit_128s": {},
    "visformer_tiny": {},
    "mobilenetv4_hybrid_medium": {},
    "edgenext_xx_small": {},
    "efficientformer_l1": {},
    "nextvit_small": {},
    "vitamin_small_224": {},
    "hieradet_small": {},
    "sequencer2d_s": {},
    "swin_s3_tiny_224": {},
    "aimv2_large_patch14_224": {"depth": 2, "embed_dim": 48, "num_heads": 4},
}
"""Name in timm, and what is small in it."""


def randomise(network):
    """Fill every parameter with something that is neither zero nor small, so that a wrong reading shows."""
    torch.manual_seed(6)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            with torch.no_grad():
                if "norm" in type(module).__name__.lower() and parameter.ndim < 2:
                    parameter.uniform_(0.6, 1.4) if name == "weight" else parameter.normal_(std=0.2)
                else:
                    parameter.normal_(std=parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3)
    return network.eval().requires_grad_(False)


def patched():
    """Yield library, name and network of towers that take patches in squares, and how each is called."""
    from transformers.models.glm4v import modeling_glm4v as glm
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as cut
    from transformers.models.qwen2_vl import modeling_qwen2_vl as second
    from transformers.models.qwen3_vl import modeling_qwen3_vl as third

    small = {"depth": 2, "hidden_size": 48, "num_heads": 3, "intermediate_size": 32, "out_hidden_size": 24}
    windows = small | {"window_size": 56, "fullatt_block_indexes": [1]}
    for patch, make, config, facts in (
        (14, second.Qwen2VisionTransformerPretrainedModel, second.Qwen2VLVisionConfig, small | {"embed_dim": 48}),
        (14, cut.Qwen2_5_VisionTransformerPretrainedModel, cut.Qwen2_5_VLVisionConfig, windows),
        (16, third.Qwen3VLVisionModel, third.Qwen3VLVisionConfig, small | {"deepstack_visual_indexes": [0]}),
        (14, glm.Glm4vVisionModel, glm.Glm4vVisionConfig, small | {"image_size": 56, "patch_size": 14}),
    ):
        seen = InputSpec(short_side=4 * patch, multiple_of=2 * patch, mean=(0.5,) * 3, std=(0.5,) * 3)
        spec = ModelSpec(input_spec=seen, takes="clip", inputs=partial(_in_squares, patch))
        yield "transformers", make.__name__, make(config(**facts)), spec


def _in_squares(patch, clip):
    """Return the patches of a clip, two frames each, square of 2 x 2 after square, and their grid."""
    steps, rows, cols = clip.shape[2] // 2, clip.shape[3] // patch, clip.shape[4] // patch
    cut = clip[0].reshape(3, steps, 2, rows // 2, 2, patch, cols // 2, 2, patch)
    table = cut.permute(1, 3, 6, 4, 7, 0, 2, 5, 8).reshape(steps * rows * cols, -1)
    return table, torch.tensor([[steps, rows, cols]])


def networks():
    """Yield library, name and network of every class that can be built here."""
    import transformers

    resnet = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    for name, (config, small) in TRANSFORMERS.items():
        small = small | ({"backbone_config": resnet} if "backbone_config" in small else {})
        yield "transformers", name, getattr(transformers, name)(getattr(transformers, config)(**small))
    yield from patched()
    yield from diffusion()
    if find_spec("torchvision") is None:
        sys.meta_path.append(StandIn())
    import timm

    for name, small in TIMM.items():
        yield "timm", name, timm.create_model(name, **small)


class StandIn:
    """Finder of an empty package torchvision, whose parts do nothing."""

    def find_spec(self, name, path=None, target=None):
        """Return the spec of the package and of all that is imported from it."""
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == "torchvision" else None

    def create_module(self, spec):
        """Return a module that has every attribute."""
        return MagicMock(__name__=spec.name, __path__=[], __all__=[])

    def exec_module(self, module):
        """Leave the module as it is."""


def diffusion():
    """Yield library, name and network of the classes of diffusers, and how each is called."""
    import diffusers

    seen = InputSpec(short_side=16, multiple_of=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    given = {
        "timestep": lambda frames: torch.full((frames,), 5),
        "class_labels": lambda frames: torch.full((frames,), 3),
        "encoder_hidden_states": lambda frames: torch.ones(frames, WORDS, 24) * torch.arange(WORDS)[:, None],
        "encoder_attention_mask": lambda frames: torch.ones(frames, WORDS, dtype=torch.bool),
        "pooled_projections": lambda frames: torch.ones(frames, 24),
        "img_ids": lambda _: torch.cartesian_prod(*(torch.arange(size).float() for size in (1, 8, 8))),
        "txt_ids": lambda _: torch.zeros(WORDS, 3),
        "controlnet_cond": lambda frames: torch.full((frames, 3, 32, 32), 0.5),
        **dict.fromkeys(("original_size", "target_size", "crop_coords"), lambda frames: torch.ones(frames, 2)),
        "added_cond_kwargs": lambda frames: {"resolution": None, "aspect_ratio": None},
    }
    for name, (small, run) in ON_CLIPS.items():
        call = partial(_of_square, run)
        yield "diffusers", name, getattr(diffusers, name)(**small), ModelSpec(input_spec=seen, call=call, takes="clip")
    for name, (small, names) in DIFFUSERS.items():

        def call(network, frames, names=names):
            more = {each: given[each](len(frames)) for each in names}
            is_square = "Transformer" in type(network).__name__ or "controlnet_cond" in names
            frames = frames[..., :16] if is_square else frames
            packed = pixel_unshuffle(frames, 2).flatten(2).mT if "img_ids" in names else frames
            return network(packed, **more)

        model = getattr(diffusers, name)(**small)
        yield "diffusers", name, model, ModelSpec(input_spec=seen, call=call, takes="frames")


def _of_square(run, model, clip):
    return run(model, clip[..., :16])


def line(library, name, network, spec=None):
    """Return the line of the table for one network."""
    said = getattr(network, "config", None)
    frames = None if getattr(said, "num_frames", None) or getattr(said, "frames_per_clip", None) else 2
    clip = np.random.default_rng(0).integers(0, 256, (32, 70, 100, 3), np.uint8)
    try:
        session = Session.from_model(randomise(network), clip, frames=frames, spec=spec)
    except NonlocalError as error:
        return f"| {library} | `{name}` | none | | {_first_reason(str(error))} |"
    blocks = session.capture.blocks
    layers, grids = {block.layer for block in blocks}, {block.query_grid.shape for block in blocks}
    refused = Counter(_first_reason(reason) for _, reason in session.unreadable)
    why = "; ".join(f"{count}: {reason}" for reason, count in refused.items())
    shown = ", ".join("x".join(map(str, grid)) for grid in sorted(grids))
    total = len(layers) + len(session.unreadable)
    return f"| {library} | `{name}` | {len(layers)} of {total} | {shown} | {why} |"


def _first_reason(text):
    """Return the first reason in a sentence, without the names and the numbers of one run."""
    found = re.search(
        r"(cannot be placed|cannot be proved|saw [^.;]*?tokens, which are no grid|are no grid|no softmax of products"
        r"|changes its softmax of products|attends over its \d+ channels|FlexAttention|over other scores"
        r"|pools or drops some of them|it pools its queries"
        r"|the keys are those of several frames or of maps of several sizes, or the queries are pooled"
        r"|\d+ softmaxes of products"
        r"|no map around it|keys from elsewhere|in an order that this viewer does not know"
        r"|the same on every clip"
        r"|no cells of it pooled by a whole number|None was found|does not show its rows|not called with sequences"
        r"|failed on an input[^:]*: [^.]*)",
        text,
    )
    return re.sub(r"saw .* tokens, which", "tokens that", found[1]) if found else text[:120]


def main():
    """Write the table into the page."""
    lines = ["| library | class | layers read | grids (T x H x W) | the others |", "|---|---|---|---|---|"]
    for each in networks():
        lines.append(line(*each))
        print(lines[-1], flush=True)
    begin, end = "<!-- classes: begin -->", "<!-- classes: end -->"
    head, _, rest = PAGE.read_text().partition(begin)
    tail = rest.partition(end)[2]
    PAGE.write_text(f"{head}{begin}\n{chr(10).join(lines)}\n{end}{tail}")


if __name__ == "__main__":
    main()
