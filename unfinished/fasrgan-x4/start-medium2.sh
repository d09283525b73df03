#!/usr/bin/env bash
# start-medium.sh l1|gan [--resume]: six of the blocks of soup1 (a mean of full7, mixed6, x4plus)
cd /root/fas/train8 || exit 1
export PYTHONPATH=/root/fas/train8 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
COMMON="--data folder:/work/shared/photos=0.86;rendered:=0.08;pairs:/root/fas/dark/LR,/root/fas/dark/HR=0.06
 --data.degradation clean=0.18,web=0.32,camera=0.25,real=0.25 --data.crops_per_image 6 --data.shuffle_buffer 96 --data.crop_candidates 1 --precision bf16 --generator.blocks 6
 --checkpoints.minutes 4 --checkpoints.keep 2 --validate-every 1000000 --log-every 20 --logging.trackers []"
if [ "$1" = l1 ]; then ARGS="--system fasrgan --stage psnr $COMMON --output /root/fas/runs/medium-l1 --init /root/fas/runs/soup1 --init-blocks [0,4,8,12,17,22] --data.batch 4 --data.crop 128
 --optimizer.lr 2.5e-4 --optimizer.warmup 30 --optimizer.ema 0.99 --optimizer.cosine_steps 600 --steps 600 --seed 1"
else ARGS="--system fasrgan --stage gan $COMMON --output /root/fas/runs/medium-gan2 --init /root/fas/runs/../keep/medium-gan-1 --init-discriminator /root/fas/keep/medium-gan-1 --data.batch 3 --data.crop 112
 --discriminator.width 24 --discriminator.crop 0 --discriminator.hidden 128 --discriminator.norm none --discriminator.upsample aligned
 --config /root/fas/full7.yaml --losses.perceptual 1 --losses.adversarial 0.1 --losses.attention 1 --losses.content 12 --losses.color 10 --losses.texture 60 --losses.grid 150 --losses.lpips 8 --losses.dists 20
 --optimizer.d_every 2 --optimizer.r1 0.003 --optimizer.lr 1.5e-4 --optimizer.warmup 30 --optimizer.ema 0.998 --optimizer.cosine_steps ${STEPS:-1300} --steps ${STEPS:-1300} --seed 3"; fi
[ "$2" = --resume ] && ARGS="$ARGS --resume latest"
setsid nohup taskset -c ${CORES:-1} /root/fas/venv/bin/python scripts/train.py $ARGS >> /root/fas/medium2.log 2>&1 &
echo $! > /root/fas/train.pgid; sleep 2; echo -9 > /proc/$(cat /root/fas/train.pgid)/autogroup
