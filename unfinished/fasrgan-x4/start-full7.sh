#!/usr/bin/env bash
# start-full7.sh [--resume]: the seventh stretch, on main's code and degradations drawn anew, uniform crops, LDL against scratches.
cd CLONE || exit 1
export PYTHONPATH=CLONE OMP_NUM_THREADS=${THREADS:-1} OMP_WAIT_POLICY=PASSIVE
if [ "$1" = --resume ]; then ARGS="--system fasrgan --stage gan --data x --output RUNS/full7 --resume latest"; else
ARGS="--system fasrgan --stage gan --data folder:SHARED/photos=0.92;rendered:=0.08 --output RUNS/full7
 --data.degradation clean=0.18,web=0.32,camera=0.25,real=0.25 --data.crops_per_image 4 --data.shuffle_buffer 96 --data.batch 2 --data.crop 128
 --init RUNS/full7-start --init-discriminator RUNS/full7-start
 --discriminator.width 24 --discriminator.crop 0 --discriminator.hidden 128 --discriminator.norm none
 --losses.perceptual 1 --losses.adversarial 0.1 --losses.attention 1 --losses.content 15 --losses.color 10 --losses.texture 60 --losses.grid 150
 --losses.lpips 30 --losses.dists 12 --losses.artefact 4000 --config WORK/full7.yaml
 --optimizer.r1 0.003 --optimizer.lr 1.2e-4 --optimizer.warmup 20 --optimizer.ema 0.998 --optimizer.cosine_steps 3000 --steps 3000 --precision bf16 --seed 7
 --checkpoints.minutes 4 --checkpoints.keep 2 --validate-every 1000000 --log-every 10 --logging.trackers []"; fi
setsid nohup taskset -c ${CORES:-0} VENV/bin/python scripts/train.py $ARGS >> WORK/full7.log 2>&1 &
echo $! > WORK/train.pgid; sleep 2; echo -10 > /proc/$(cat WORK/train.pgid)/autogroup
